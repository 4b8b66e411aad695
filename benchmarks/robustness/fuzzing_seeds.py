"""Valid files of each format, for `fuzzing.py` to damage."""

import dataclasses
import hashlib
import io
import json
import struct
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import pydicom
import pydicom.examples
import tensorflow as tf
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    EnhancedMRImageStorage,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from keras_lvseg import Segmenter
from keras_lvseg.evaluation import VolumeCalibration, VolumeCalibrations
from keras_lvseg.inference import open_results
from keras_lvseg.io import write_nifti_stack
from keras_lvseg.models import PretrainedInfo, pretrained_info, unet
from keras_lvseg.phantom import write_phantom
from keras_lvseg.training import TrainingSettings, write_settings
from tests.codestreams import jpeg_2000, jpeg_lossless

CONTOUR = b"20.00 20.00\n40.50 21.00\n41.00 40.00\n30.00 44.50\n22.00 33.00\n"
ZIGZAG = b"20 2\n21.5 62\n" * 400  # crosses every row 800 times
LINKS = b"patient_id,original_id\nSCD1,SC-1\nSCD2,SC-2\n"
PATIENTS = b"PatientID,OriginalID,Gender,Age\nSCD0000101,SC-HF-I-1,Male,63\nSCD0000201,SC-HF-I-02,Female,\n"
PNG_PATIENTS = b"patient_id,pixel_spacing_mm,original_id,slice_spacing_mm,phases\np1,1.4,O1,10,2\np2,1.2,,8,\n"
VOLUMES = b"study,patient,edv_ml,esv_ml,flags\nP1,P1,131.2,47.9,\n'=2,P2,,51,few slices\nP3,P3,90,120,\n"
BOWL_VOLUMES = b"Id,Systole,Diastole\n1,108.3,246.7\n2,,137.2\n"
NETWORK = {"input_shape": [None, None, 1], "num_classes": 2, "filters": 2, "depth": 1}
NETWORK |= {"normalization": "batch", "dropout": 0.0, "residual": False}
"""Arguments of a U-Net that is built in milliseconds."""

_PIXELS = np.arange(16 * 12, dtype=np.int16).reshape(16, 12)


def dicom_frames() -> tuple[bytes, ...]:
    """Return a small frame: explicit, implicit, and in each compression that can be written here."""

    def implicit(dataset: pydicom.Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    def compressed(syntax: str, frame: bytes) -> Callable[[pydicom.Dataset], None]:
        def change(dataset: pydicom.Dataset) -> None:
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.PixelData = encapsulate([frame])
            dataset["PixelData"].is_undefined_length = True

        return change

    return (
        _frame(lambda dataset: None),
        _frame(implicit),
        _frame(lambda dataset: dataset.compress(RLELossless, generate_instance_uid=False)),
        _frame(lambda dataset: dataset.compress(JPEGLSLossless, generate_instance_uid=False)),
        _frame(compressed(JPEG2000Lossless, jpeg_2000(_PIXELS))),
        _frame(compressed(JPEGLosslessSV1, jpeg_lossless(_PIXELS))),
    )


def _frame(change: Callable[[pydicom.Dataset], None]) -> bytes:
    dataset = pydicom.dcmread(pydicom.examples.get_path("mr"))
    dataset.Rows, dataset.Columns = _PIXELS.shape
    dataset.PixelData = _PIXELS.tobytes()
    change(dataset)
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


def enhanced_files() -> tuple[bytes, ...]:
    """Return enhanced files of one and of three frames."""

    def sequence(**values: object) -> list[pydicom.Dataset]:
        item = pydicom.Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        return [item]

    def enhance(count: int) -> Callable[[pydicom.Dataset], None]:
        def change(dataset: pydicom.Dataset) -> None:
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
            dataset.NumberOfFrames = count
            dataset.PixelData = _PIXELS.tobytes() * count
            measures = sequence(PixelSpacing=[1.5, 1.5], SliceThickness=6, SpacingBetweenSlices=10)
            plane = sequence(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
            dataset.SharedFunctionalGroupsSequence = sequence(
                PixelMeasuresSequence=measures, PlaneOrientationSequence=plane
            )
            dataset.PerFrameFunctionalGroupsSequence = [
                sequence(
                    PlanePositionSequence=sequence(ImagePositionPatient=[0, 0, 10 * i]),
                    FrameContentSequence=sequence(TemporalPositionIndex=i + 1),
                    CardiacSynchronizationSequence=sequence(NominalCardiacTriggerDelayTime=12.5 * i),
                    PixelValueTransformationSequence=sequence(RescaleSlope=2.0, RescaleIntercept=-1),
                )[0]
                for i in range(count)
            ]

        return change

    return tuple(_frame(enhance(count)) for count in (1, 3))


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


def png_images() -> tuple[bytes, ...]:
    """Return grey PNGs of 1, 8 and 16 bits, one with colour channels and one with a palette."""
    grey = Image.fromarray((_PIXELS // 100 * 255).astype(np.uint8))
    deep = Image.fromarray(_PIXELS.astype(np.uint16))
    contents = []
    for image in (grey.convert("1"), grey, deep, grey.convert("RGBA"), grey.convert("P")):
        file = io.BytesIO()
        image.save(file, "PNG")
        contents.append(file.getvalue())
    return tuple(contents)


def sealed_png(content: bytes) -> bytes:
    """Return a PNG with the checksums that its chunks should have, as far as they can be told apart."""
    sealed, at = bytearray(content), 8
    while at + 12 <= len(sealed):
        (length,) = struct.unpack_from(">I", sealed, at)
        end = min(at + 8 + length, len(sealed) - 4)
        sealed[end : end + 4] = zlib.crc32(sealed[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(sealed)


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


def network_files() -> tuple[bytes, bytes]:
    """Return the two files of a small network: plain values as JSON, and arrays."""
    file = io.BytesIO()
    np.savez(file, **{weight.path: keras.ops.convert_to_numpy(weight) for weight in unet(**NETWORK).weights})
    arrays = file.getvalue()
    data = {**pretrained_info("sax-lv").data, "target": "endocardium", "image_size": [32, 32]}
    info = PretrainedInfo(
        "unet",
        NETWORK,
        data,
        inference={"flip_tta": True, "postprocess": False},
        training={"images": 260},
        sha256=hashlib.sha256(arrays).hexdigest(),
    )
    return json.dumps(dataclasses.asdict(info)).encode(), arrays


def settings_files() -> tuple[bytes, ...]:
    """Return settings of a training and a search space."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.toml"
        write_settings(path, dataclasses.replace(TrainingSettings(), decay_rate=0.5, decay_steps=100))
        return path.read_bytes(), b'learning_rate = [1e-4, 1e-2]\naugmentation = ["full", "broad"]\n'


def calibration_file() -> bytes:
    """Return the file of `compare-volumes --fit`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "TRAIN.json"
        calibration = VolumeCalibration(0.0, 1.0, 5.0, 0.05, unknown_mean_ml=160.0, unknown_sd_ml=50.0)
        VolumeCalibrations(("1", "2"), edv=calibration, esv=calibration).write(path)
        return path.read_bytes()


def segmented_study() -> tuple[dict[str, bytes], bytes]:
    """Return the images of a phantom study of two slices by their paths, and the `study.json` of its results."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_phantom(folder / "in", patients=1, frames="contoured")
        images = sorted((folder / "in/dicoms").rglob("*.dcm"))
        for path in images[2:]:
            path.unlink()
        with open_results(folder / "out", outputs=()) as results:
            (study,) = results.write(Segmenter().segment(folder / "in/dicoms")).studies
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in images[:2]}
        record = json.loads((folder / "out" / study["study"] / "study.json").read_text())
        return files, json.dumps(record).encode()  # in one line, so that less of it is blanks
