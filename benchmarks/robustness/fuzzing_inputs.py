"""What `robustness/fuzzing.py` feeds to the readers: valid files with bytes changed, and what Hypothesis makes up."""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import tensorflow as tf
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from keras_lvseg.data.layouts import index_tree
from keras_lvseg.geometry import crossed_area, polygon_mask
from keras_lvseg.io import read_contour
from keras_lvseg.io.course_record import CourseRecord
from keras_lvseg.io.dicom import read_header, read_pixels
from keras_lvseg.io.tfrecord import encode_example
from keras_lvseg.phantom.dicom_writer import PhantomSeries, Stack
from keras_lvseg.studies.frame_images import read_image, read_mask

OUTLINE = b"20.00 20.00\n40.50 21.00\n41.00 40.00\n30.00 44.50\n22.00 33.00\n"
ZIGZAG = b"20 2\n21.5 62\n" * 400  # crosses every row 800 times
LINKS = b"patient_id,original_id\nSCD1,SC-1\nSCD2,SC-2\n"
PATIENTS = b"PatientID,OriginalID,Gender,Age\nSCD0000101,SC-HF-I-1,Male,63\nSCD0000201,SC-HF-I-02,Female,\n"
# What parsers stumble over: extreme numbers and lengths, separators and quotes, ways out of a folder, DICOM's own
# delimiters, types and encodings.
TOKENS = (
    *rb'nan inf 1e308 -1e9 , " \ / .. ../x UN SQ OB 1.2.840.10008.1.2.1.99 1.2.840.10008.1.2.4.70'.split(),
    *(b" ", b"\n", b"\r", b"\t", b"\0", b"\xef\xbb\xbf", b"\xfe\xff\xdd\xe0", b"\xfe\xff\x00\xe0"),
    *(b"\x7f", b"\xff\xff", b"\xff" * 4, b"\xff" * 8, b"\x00\x00\x00\x80", b"9" * 400, b"a" * 300),
)


@dataclass(frozen=True)
class Reader:
    """How a folder is read in which the file `file` has any content and the `others` are as they should be."""

    inputs: st.SearchStrategy[bytes]
    file: str
    read: Callable[[Path], object]
    others: tuple[str, ...] = ()


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """One of the seeds with up to four changes of bytes."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        end = min(at + draw(st.integers(0, 40)), len(content))
        kind = draw(st.sampled_from(["flip", "token", "overwrite", "bytes", "cut", "double", "end", "splice"]))
        if kind == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "token":
            content[at:at] = draw(st.sampled_from(TOKENS))
        elif kind == "overwrite":
            token = draw(st.sampled_from(TOKENS))
            content[at : at + len(token)] = token
        elif kind == "bytes":
            content[at:end] = draw(st.binary(max_size=16))
        elif kind == "cut":
            del content[at:end]
        elif kind == "double":
            content[at:at] = content[at:end] * draw(st.integers(1, 50))
        elif kind == "end":
            del content[at:]
        elif kind == "splice":
            content[at:] = draw(st.sampled_from(seeds))[end:]
    return bytes(content)


def dicom_frames() -> tuple[bytes, ...]:
    """A small frame: explicit, implicit, run-length encoded, in JPEG 2000, and in a JPEG cut short."""
    stack = Stack(np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.zeros(3), np.array([0, 0, -8.0]), 1.4)
    series = PhantomSeries("PHANTOM0001", "fuzzing", stack, interval=900, slices=2)
    pixels = np.arange(16 * 12, dtype=np.int16).reshape(16, 12)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.dcm"
        series.write_frame(path, series.header(), pixels, 1, 3)
        explicit = path.read_bytes()

    def saved(change: Callable[[pydicom.Dataset], None]) -> bytes:
        dataset = pydicom.dcmread(io.BytesIO(explicit))
        change(dataset)
        file = io.BytesIO()
        dataset.save_as(file)
        return file.getvalue()

    def implicit(dataset: pydicom.Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    def compressed(syntax: str, frame: bytes) -> Callable[[pydicom.Dataset], None]:
        def change(dataset: pydicom.Dataset) -> None:
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.PixelData = encapsulate([frame])
            dataset["PixelData"].is_undefined_length = True

        return change

    jpeg2000 = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint16)).save(jpeg2000, "JPEG2000", no_jp2=True)
    return (
        explicit,
        saved(implicit),
        saved(lambda dataset: dataset.compress(RLELossless, generate_instance_uid=False)),
        saved(compressed(JPEG2000Lossless, jpeg2000.getvalue())),
        saved(compressed(JPEGLosslessSV1, bytes.fromhex("ffd8ffc3000b100010000c01011100") + bytes(60))),
    )


def record_messages() -> tuple[bytes, ...]:
    """A record in both of the course's editions, no frame around it."""
    record = CourseRecord(np.arange(30).reshape(6, 5), np.eye(6, 5, dtype=np.uint8), "SC-HF-I-1/IM-0001-0059")
    return tuple(encode_example(record.to_features(schema)) for schema in ("course", "course-v1"))


def framed(*messages: bytes) -> bytes:
    """A TFRecord file's bytes, checksums right."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for message in messages:
                writer.write(message)
        return path.read_bytes()


def made_up() -> dict[str, st.SearchStrategy[bytes]]:
    """Contents that Hypothesis writes, by reader."""
    numbers = st.floats().map(repr) | st.integers().map(str) | st.text(max_size=5)
    lines = st.lists(st.lists(numbers, max_size=3).map(" ".join), max_size=8)
    tables = st.lists(st.lists(st.text(max_size=8), max_size=3).map(",".join), max_size=5)
    keys = st.sampled_from(["height", "width", "depth", "image_raw", "img_raw", "label_raw", "name", ""])
    values = st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 5) | st.binary(max_size=48)
    examples = st.dictionaries(keys, values).map(encode_example)
    return {
        "DICOM": st.binary(max_size=200).map(lambda content: bytes(128) + b"DICM" + content),
        "contour": lines.map("\n".join).map(str.encode),
        "link.csv": tables.map(lambda table: LINKS + "\n".join(table).encode()),
        "scd_patientdata.csv": tables.map(lambda table: PATIENTS + "\n".join(table).encode()),
        # Their checksums are right: what comes after them is to be tried as well.
        "TFRecord": (examples | mutated(record_messages())).map(framed),
    }


def readers() -> dict[str, Reader]:
    """What is fuzzed, by name."""
    contour = "IM-0001-0001-icontour-manual.txt"
    expert = "contours-manual/IRCCI-expert"
    valid = {
        "DICOM": dicom_frames(),
        "contour": (OUTLINE, OUTLINE.replace(b"\n", b"\r\n"), OUTLINE + OUTLINE[:12], ZIGZAG),
        "link.csv": (LINKS, b"\xef\xbb\xbf" + LINKS.replace(b"\n", b"\r\n").replace(b"SC-1", b'"SC-1"')),
        "scd_patientdata.csv": (PATIENTS,),
        "TFRecord": (framed(*record_messages()), *map(framed, record_messages())),
    }
    inputs = {name: mutated(valid[name]) | mutated(valid[name]) | made for name, made in made_up().items()}
    return {
        "DICOM": Reader(inputs["DICOM"], "1.dcm", lambda folder: read_dicom(folder / "1.dcm")),
        "contour": Reader(inputs["contour"], contour, lambda folder: fill(folder / contour)),
        "link.csv": Reader(
            inputs["link.csv"],
            "link.csv",
            index_tree,
            ("dicoms/SCD1/1.dcm", "dicoms/SCD2/1.dcm", f"contourfiles/SC-1/i-contours/{contour}"),
        ),
        "scd_patientdata.csv": Reader(
            inputs["scd_patientdata.csv"],
            "scd_patientdata.csv",
            index_tree,
            (
                *(f"SCD_IMAGES_01/SCD0000{i}01/CINESAX_300/IM-0003-0001.dcm" for i in (1, 2)),
                *(f"SCD_ManualContours/SC-HF-I-0{i}/{expert}/{contour}" for i in (1, 2)),
            ),
        ),
        "TFRecord": Reader(inputs["TFRecord"], "train_images.tfrecords", read_every_record),
    }


def read_dicom(path: Path) -> None:
    """Header and pixels, the second one whatever became of the first."""
    try:
        read_header(path)
    finally:
        read_pixels(path)


def fill(path: Path) -> None:
    """What is done with a contour at once."""
    points = read_contour(path)
    polygon_mask(points, (64, 64))
    crossed_area(points)


def read_every_record(folder: Path) -> None:
    for patient in index_tree(folder):
        for frame in patient.frames:
            read_image(frame)
            read_mask(frame)
