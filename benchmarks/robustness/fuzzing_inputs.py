"""Inputs of `fuzzing.py`: valid files with changed bytes, and contents that Hypothesis makes up."""

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
import pydicom.examples
import tensorflow as tf
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, RLELossless

from keras_lvseg import SAXDataset, SunnybrookSAXDataset
from keras_lvseg.geometry import crossed_area, polygon_mask
from keras_lvseg.io import (
    read_contour,
    read_header,
    read_headers,
    read_nifti_header,
    read_nifti_pixels,
    read_pixels,
    write_nifti_stack,
)

CONTOUR = b"20.00 20.00\n40.50 21.00\n41.00 40.00\n30.00 44.50\n22.00 33.00\n"
ZIGZAG = b"20 2\n21.5 62\n" * 400  # crosses every row 800 times
LINKS = b"patient_id,original_id\nSCD1,SC-1\nSCD2,SC-2\n"
PATIENTS = b"PatientID,OriginalID,Gender,Age\nSCD0000101,SC-HF-I-1,Male,63\nSCD0000201,SC-HF-I-02,Female,\n"
# Extreme numbers and lengths, separators and quotes, paths out of a folder, DICOM's delimiters, types and encodings.
TOKENS = (
    *rb'nan inf 1e308 -1e9 , " \ / .. ../x UN SQ OB 1.2.840.10008.1.2.1.99 1.2.840.10008.1.2.4.70'.split(),
    *(b" ", b"\n", b"\r", b"\t", b"\0", b"\xef\xbb\xbf", b"\xfe\xff\xdd\xe0", b"\xfe\xff\x00\xe0"),
    *(b"\x7f", b"\xff\xff", b"\xff" * 4, b"\xff" * 8, b"\x00\x00\x00\x80", b"9" * 400, b"a" * 300),
)


@dataclass(frozen=True)
class Reader:
    """A reader of a folder in which one file is fuzzed.

    Attributes:
        inputs: Contents of the fuzzed file.
        file: Its path in the folder.
        read: Reads the folder.
        others: Contents of the other files, all valid, by their paths in the folder.
    """

    inputs: st.SearchStrategy[bytes]
    file: str
    read: Callable[[Path], object]
    others: Mapping[str, bytes] = field(default_factory=dict)


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Draw one of the seeds with one to four changes."""
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
    """Return a small frame: explicit, implicit, run-length encoded, in JPEG 2000, and in a JPEG cut short."""
    pixels = np.arange(16 * 12, dtype=np.int16).reshape(16, 12)

    def saved(change: Callable[[pydicom.Dataset], None]) -> bytes:
        dataset = pydicom.dcmread(pydicom.examples.get_path("mr"))
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.PixelData = pixels.tobytes()
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
        saved(lambda dataset: None),
        saved(implicit),
        saved(lambda dataset: dataset.compress(RLELossless, generate_instance_uid=False)),
        saved(compressed(JPEG2000Lossless, jpeg2000.getvalue())),
        saved(compressed(JPEGLosslessSV1, bytes.fromhex("ffd8ffc3000b100010000c01011100") + bytes(60))),
    )


def nifti_volumes() -> tuple[bytes, ...]:
    """Return valid NIfTI files of three and of four dimensions."""
    with tempfile.TemporaryDirectory() as folder:
        volumes = []
        for shape in ((6, 5, 3), (6, 5, 2, 3)):
            path = Path(folder) / "volume.nii"
            write_nifti_stack(
                path, np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), np.diag([-1.5, -1.5, 8, 1])
            )
            volumes.append(path.read_bytes())
        return tuple(volumes)


def record_messages() -> tuple[bytes, ...]:
    """Return a record's message in both editions of the course."""
    image, label = np.arange(30, dtype="<i8").tobytes(), np.eye(6, 5, dtype=np.uint8).tobytes()
    common = {"height": 6, "width": 5, "depth": 1, "label_raw": label}
    return (
        example(common | {"image_raw": image, "name": b"SC-HF-I-1/IM-0001-0059"}),
        example(common | {"img_raw": image}),
    )


def example(features: Mapping[str, int | bytes]) -> bytes:
    """Return a serialized `tf.train.Example`."""
    message = tf.train.Example()
    for name, value in features.items():
        feature = message.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    return message.SerializeToString()


def framed(*messages: bytes) -> bytes:
    """Return the bytes of a TFRecord file with valid checksums."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for message in messages:
                writer.write(message)
        return path.read_bytes()


def made_up() -> dict[str, st.SearchStrategy[bytes]]:
    """Return strategies of contents by reader."""
    numbers = st.floats().map(repr) | st.integers().map(str) | st.text(max_size=5)
    lines = st.lists(st.lists(numbers, max_size=3).map(" ".join), max_size=8)
    tables = st.lists(st.lists(st.text(max_size=8), max_size=3).map(",".join), max_size=5)
    keys = st.sampled_from(["height", "width", "depth", "image_raw", "img_raw", "label_raw", "name", ""])
    values = st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 5) | st.binary(max_size=48)
    examples = st.dictionaries(keys, values).map(example)
    return {
        "DICOM": st.binary(max_size=200).map(lambda content: bytes(128) + b"DICM" + content),
        "NIfTI": st.binary(max_size=400).map(lambda content: (348).to_bytes(4, "little") + content),
        "contour": lines.map("\n".join).map(str.encode),
        "link.csv": tables.map(lambda table: LINKS + "\n".join(table).encode()),
        "scd_patientdata.csv": tables.map(lambda table: PATIENTS + "\n".join(table).encode()),
        # With valid checksums, so that the messages are read.
        "TFRecord": (examples | mutated(record_messages())).map(framed),
    }


def readers() -> dict[str, Reader]:
    """Return the readers by name."""
    contour = "IM-0001-0001-icontour-manual.txt"
    expert = "contours-manual/IRCCI-expert"
    valid = {
        "DICOM": dicom_frames(),
        "NIfTI": nifti_volumes(),
        "contour": (CONTOUR, CONTOUR.replace(b"\n", b"\r\n"), CONTOUR + CONTOUR[:12], ZIGZAG),
        "link.csv": (LINKS, b"\xef\xbb\xbf" + LINKS.replace(b"\n", b"\r\n").replace(b"SC-1", b'"SC-1"')),
        "scd_patientdata.csv": (PATIENTS,),
        "TFRecord": (framed(*record_messages()), *map(framed, record_messages())),
    }
    frame = valid["DICOM"][0]
    inputs = {name: mutated(valid[name]) | mutated(valid[name]) | made for name, made in made_up().items()}
    return {
        "DICOM": Reader(inputs["DICOM"], "1.dcm", lambda folder: read_dicom(folder / "1.dcm")),
        "NIfTI": Reader(inputs["NIfTI"], "1.nii", lambda folder: read_nifti(folder / "1.nii")),
        "contour": Reader(inputs["contour"], contour, lambda folder: fill(folder / contour)),
        "link.csv": Reader(
            inputs["link.csv"],
            "link.csv",
            SAXDataset,
            {f"dicoms/SCD{i}/1.dcm": frame for i in (1, 2)} | {f"contourfiles/SC-1/i-contours/{contour}": CONTOUR},
        ),
        "scd_patientdata.csv": Reader(
            inputs["scd_patientdata.csv"],
            "scd_patientdata.csv",
            SAXDataset,
            {f"SCD_IMAGES_01/SCD0000{i}01/CINESAX_300/IM-0003-0001.dcm": frame for i in (1, 2)}
            | {f"SCD_ManualContours/SC-HF-I-0{i}/{expert}/{contour}": CONTOUR for i in (1, 2)},
        ),
        "TFRecord": Reader(inputs["TFRecord"], "train_images.tfrecords", read_every_record),
    }


def read_dicom(path: Path) -> None:
    """Read the header, and the pixels even if the header cannot be read."""
    try:
        read_header(path)
    finally:
        for header in read_headers(path):
            read_pixels(path, header.record)


def read_nifti(path: Path) -> None:
    """Read the header and all images."""
    header = read_nifti_header(path)
    for number in range(1, header.slices * header.phases + 1):
        read_nifti_pixels(path, number)


def fill(path: Path) -> None:
    """Read a contour and fill it."""
    points = read_contour(path)
    polygon_mask(points, (64, 64))
    crossed_area(points)


def read_every_record(folder: Path) -> None:
    records = SunnybrookSAXDataset.from_tfrecords(folder, image_size=(8, 8))
    for split in records.info["splits"]:
        records.as_arrays(split)
