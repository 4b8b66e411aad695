"""What `fuzzing.py` reads, with strategies of damaged and of made-up contents."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from benchmarks.robustness import fuzzing_seeds as seeds
from keras_lvseg import DataError, SAXDataset, Segmenter, SunnybrookSAXDataset
from keras_lvseg.evaluation import read_volume_calibrations
from keras_lvseg.geometry import crossed_area, polygon_mask
from keras_lvseg.inference import Segmentation, TrainedNetwork, open_results
from keras_lvseg.io import (
    read_contour,
    read_header,
    read_headers,
    read_nifti_header,
    read_nifti_pixels,
    read_pixels,
    read_png,
    read_png_label,
    read_volume_table,
)
from keras_lvseg.training import read_settings, read_space

# Extreme numbers and lengths, separators and quotes, paths out of a folder, DICOM's delimiters, types and encodings.
TOKENS = (
    *rb'nan inf 1e308 -1e9 , " \ / .. ../x UN SQ OB 1.2.840.10008.1.2.1.99 1.2.840.10008.1.2.4.70'.split(),
    *(b"null", b"true", b"[]", b"{}", b"[" * 2000, b"NaN", b"-1", b"1e999", b'"\\ud800"'),
    *(b" ", b"\n", b"\r", b"\t", b"\0", b"\xef\xbb\xbf", b"\xfe\xff\xdd\xe0", b"\xfe\xff\x00\xe0"),
    *(b"\x7f", b"\xff\xff", b"\xff" * 4, b"\xff" * 8, b"\x00\x00\x00\x80", b"9" * 400, b"a" * 300),
)
_CONTOUR = "IM-0001-0001-icontour-manual.txt"


@dataclass(frozen=True)
class Reader:
    """A reader of a folder in which one file is fuzzed.

    Attributes:
        valid: Contents of the fuzzed file that can be read.
        read: Reads the folder.
        file: Path of the fuzzed file in the folder.
        made: Contents that resemble valid ones.
        others: Contents of the other files, all valid, by their paths in the folder.
        seal: Returns a content with the checksums that it should have.
        signed: Returns further files that depend on the content, by their paths in the folder.
        share: Inputs in proportion to the other readers'. Those that take less than a millisecond have more.
    """

    valid: tuple[bytes, ...]
    read: Callable[[Path], object]
    file: str
    made: st.SearchStrategy[bytes] | None = None
    others: Mapping[str, bytes] = field(default_factory=dict)
    seal: Callable[[bytes], bytes] = lambda content: content
    signed: Callable[[bytes], Mapping[str, bytes]] = lambda content: {}
    share: float = 1.0

    @property
    def inputs(self) -> st.SearchStrategy[bytes]:
        """Contents of the fuzzed file: two thirds are valid ones with changes."""
        changed = mutated(self.valid)
        return changed if self.made is None else changed | changed | self.made

    def prepare(self, folder: Path) -> None:
        """Write the files that are valid."""
        for name, content in self.others.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / self.file).parent.mkdir(parents=True, exist_ok=True)

    def write(self, folder: Path, content: bytes) -> None:
        """Write the fuzzed file and those that depend on it."""
        sealed = self.seal(content)
        for name, data in {self.file: sealed, **self.signed(sealed)}.items():
            (folder / name).write_bytes(data)


@st.composite
def mutated(draw: st.DrawFn, valid: tuple[bytes, ...]) -> bytes:
    """Draw one of the valid contents with one to four changes."""
    content = bytearray(draw(st.sampled_from(valid)))
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
            content[at:] = draw(st.sampled_from(valid))[end:]
    return bytes(content)


@st.composite
def changed_json(draw: st.DrawFn, valid: bytes) -> bytes:
    """Draw a JSON file in which one value is another one, missing, or doubled."""
    values = json.loads(valid)
    place, key = {"": values}, ""
    while isinstance(place[key], dict | list) and place[key] and (key == "" or draw(st.integers(0, 4))):
        place = place[key]
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    action = draw(st.sampled_from(["other", "missing", "double"]))
    if action == "other":
        scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
        place[key] = draw(scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars))
    elif action == "missing":
        del place[key]
    elif isinstance(place, list):
        place.append(place[key])
    else:
        place[draw(st.text(max_size=9))] = place[key]
    return json.dumps(values).encode()


def _tables(start: bytes) -> st.SearchStrategy[bytes]:
    """Return contents of a CSV file that starts with valid rows."""
    rows = st.lists(st.lists(st.text(max_size=8), max_size=3).map(",".join), max_size=5)
    return rows.map(lambda lines: start + "\n".join(lines).encode())


def _dicom() -> Reader:
    made = st.binary(max_size=200).map(lambda content: bytes(128) + b"DICM" + content)
    return Reader(seeds.dicom_frames(), lambda folder: read_dicom(folder / "1.dcm"), "1.dcm", made)


def _enhanced_dicom() -> Reader:
    return Reader(seeds.enhanced_files(), lambda folder: read_dicom(folder / "1.dcm"), "1.dcm")


def _nifti() -> Reader:
    made = st.binary(max_size=400).map(lambda content: (348).to_bytes(4, "little") + content)
    return Reader(seeds.nifti_volumes(), lambda folder: read_nifti(folder / "1.nii"), "1.nii", made, share=2)


def _png(**options: Callable[[bytes], bytes]) -> Reader:
    return Reader(seeds.png_images(), lambda folder: read_image(folder / "1.png"), "1.png", share=2, **options)


def _png_table() -> Reader:
    png = seeds.png_images()[1]
    files = {f"images/{patient}-0001.png": png for patient in ("O1", "p2")} | {"i_labels/O1-0001.png": png}
    return Reader((seeds.PNG_PATIENTS,), SAXDataset, "patients.csv", _tables(seeds.PNG_PATIENTS), files, share=0.5)


def _contour() -> Reader:
    numbers = st.floats().map(repr) | st.integers().map(str) | st.text(max_size=5)
    lines = st.lists(st.lists(numbers, max_size=3).map(" ".join), max_size=8).map("\n".join).map(str.encode)
    valid = (seeds.CONTOUR, seeds.CONTOUR.replace(b"\n", b"\r\n"), seeds.CONTOUR + seeds.CONTOUR[:12], seeds.ZIGZAG)
    return Reader(valid, lambda folder: fill(folder / _CONTOUR), _CONTOUR, lines, share=2)


def _link_table() -> Reader:
    valid = (seeds.LINKS, b"\xef\xbb\xbf" + seeds.LINKS.replace(b"\n", b"\r\n").replace(b"SC-1", b'"SC-1"'))
    frame, contour = seeds.dicom_frames()[0], f"contourfiles/SC-1/i-contours/{_CONTOUR}"
    files = {f"dicoms/SCD{i}/1.dcm": frame for i in (1, 2)} | {contour: seeds.CONTOUR}
    return Reader(valid, SAXDataset, "link.csv", _tables(seeds.LINKS), files, share=0.5)


def _patient_data() -> Reader:
    frame, files = seeds.dicom_frames()[0], {}
    for i in (1, 2):
        files[f"SCD_IMAGES_01/SCD0000{i}01/CINESAX_300/IM-0003-0001.dcm"] = frame
        files[f"SCD_ManualContours/SC-HF-I-0{i}/contours-manual/IRCCI-expert/{_CONTOUR}"] = seeds.CONTOUR
    return Reader((seeds.PATIENTS,), SAXDataset, "scd_patientdata.csv", _tables(seeds.PATIENTS), files, share=0.5)


def _volumes() -> Reader:
    valid = (seeds.VOLUMES, seeds.BOWL_VOLUMES)
    name = "volumes.csv"
    return Reader(valid, lambda folder: read_volume_table(folder / name), name, _tables(seeds.VOLUMES), share=2)


def _records() -> Reader:
    messages = seeds.record_messages()
    return _records_of((seeds.framed(*messages), *map(seeds.framed, messages)))


def _sealed_records() -> Reader:
    keys = st.sampled_from(["height", "width", "depth", "image_raw", "img_raw", "label_raw", "name", ""])
    values = st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 5) | st.binary(max_size=48)
    made = st.dictionaries(keys, values).map(seeds.example)
    return _records_of(seeds.record_messages(), made=made, seal=seeds.framed)


def _records_of(valid: tuple[bytes, ...], **options: Any) -> Reader:
    # TensorFlow takes 50 ms to open a file.
    return Reader(valid, read_every_record, "train_images.tfrecords", share=0.05, **options)


def _study() -> Reader:
    images, study = seeds.segmented_study()
    return Reader(
        (study,), resume, f"out/{json.loads(study)['study']}/study.json", changed_json(study), images, share=0.5
    )


def _calibration() -> Reader:
    valid, name = seeds.calibration_file(), "TRAIN.json"
    return Reader((valid,), lambda folder: read_volume_calibrations(folder / name), name, changed_json(valid), share=2)


def _settings() -> Reader:
    return Reader(
        seeds.settings_files()[:1], lambda folder: read_settings(folder / "settings.toml"), "settings.toml", share=2
    )


def _space() -> Reader:
    return Reader(seeds.settings_files()[1:], lambda folder: read_space(folder / "space.toml"), "space.toml", share=2)


def _network() -> Reader:
    values, arrays = seeds.network_files()
    made = changed_json(values)
    return Reader((values,), read_network, "network.json", made, {"network.npz": arrays}, share=0.3)


def _arrays() -> Reader:
    values, arrays = seeds.network_files()
    signed = lambda content: {"network.json": _sign(values, content)}  # noqa: E731
    return Reader((arrays,), read_network, "network.npz", signed=signed, share=0.3)


READERS: Mapping[str, Callable[[], Reader]] = {
    "DICOM": _dicom,
    "enhanced DICOM": _enhanced_dicom,
    "NIfTI": _nifti,
    "PNG": _png,
    "PNG, right checksums": lambda: _png(seal=seeds.sealed_png),
    "patients.csv": _png_table,
    "contour": _contour,
    "link.csv": _link_table,
    "scd_patientdata.csv": _patient_data,
    "volumes.csv": _volumes,
    "TFRecord": _records,
    "TFRecord, right checksums": _sealed_records,
    "study.json": _study,
    "calibration": _calibration,
    "settings": _settings,
    "search space": _space,
    "network's values": _network,
    "network's arrays": _arrays,
}
"""Functions that return a reader, by name."""


def _sign(values: bytes, arrays: bytes) -> bytes:
    return json.dumps({**json.loads(values), "sha256": hashlib.sha256(arrays).hexdigest()}).encode()


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


def read_image(path: Path) -> None:
    """Read a PNG as an image and as a label."""
    read_png(path)
    read_png_label(path)


def read_network(folder: Path) -> None:
    """Load the network of a run folder."""
    TrainedNetwork.from_run(folder)


def fill(path: Path) -> None:
    """Read a contour and fill it."""
    points = read_contour(path)
    polygon_mask(points, (64, 64))
    crossed_area(points)


def read_every_record(folder: Path) -> None:
    """Read all records of a folder as a data set."""
    records = SunnybrookSAXDataset.from_tfrecords(folder, image_size=(8, 8))
    for split in records.info["splits"]:
        records.as_arrays(split)


def resume(folder: Path) -> None:
    """Resume a finished `segment`, which reads `study.json` again."""
    with open_results(folder / "out", outputs=(), resume=True) as results:
        results.write(_planned(folder))


@cache
def _planned(folder: Path) -> Segmentation:
    """Return the studies of a folder, which stay the same. A study of it that must be segmented again is an error."""
    segmentation = Segmenter().segment(folder / "in/dicoms")
    if len(segmentation) != 1:
        raise DataError(folder, "does not hold the one study")
    return segmentation
