"""Segmenter: from image files to masks and volumes of the left ventricle."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.inference.engines.engine import Engine
from keras_lvseg.inference.input_studies import read_contents
from keras_lvseg.inference.inputs import Inputs, find_inputs
from keras_lvseg.inference.predict import Views
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.inference.trained_network import TrainedNetwork
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE
from keras_lvseg.version import __version__

if TYPE_CHECKING:
    from distributed import Client


class Segmenter:
    """Segments the left ventricle in short-axis images, on the native grid of each.

    Args:
        run: Folder of a finished training run. None takes the bundled network. Nothing in the folder can run code.
        independent: Find the heart and decide the mask in each image by itself. False does both for a study together,
            see `keras_lvseg.inference.keep_one_heart`, if the network's `postprocess` is on.
        engine: What computes the network. "keras" is the Keras backend, on its device. "openvino" and "onnx" (ONNX
            Runtime) compute on the CPU, in float32, and need the extra of that name. "auto" is OpenVINO if it is
            installed and Keras sees no GPU, else Keras.
        views: Number of views of the part of each image around the heart, whose probabilities are averaged. 1 is the
            part, 2 adds the part turned by 180 degrees, and 4 adds its mirror images. None means 2 if the network's
            `flip_tta` is on, else 1.

    Attributes:
        settings: The network and its options, as plain values.

    Raises:
        DataError: The folder is not a finished run, or a file in it is damaged.
        ValueError: The engine is unknown or not installed, or `views` is not 1, 2, 4 or None.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder / "heart", patients=1, frames="contoured")
        >>> image = sorted(folder.glob("heart/dicoms/*/*.dcm"))[0]
        >>> for study in Segmenter().segment(image):
        ...     _ = study.write(folder / "out")
        >>> [path.name for path in folder.glob("out/*/masks/*")] == [f"{image.stem}_mask.png"]
        True
    """

    def __init__(
        self,
        run: str | os.PathLike[str] | None = None,
        *,
        independent: bool = False,
        engine: Engine = "auto",
        views: Views | None = None,
    ):
        if run is None:
            self._network = TrainedNetwork.bundled(engine=engine, views=views)
        else:
            self._network = TrainedNetwork.from_run(run, engine=engine, views=views)
        # With these, the workers of a cluster load the same network.
        self._arguments: dict[str, Any] = {
            "run": None if run is None else os.path.abspath(run),
            "independent": independent,
            "engine": self._network.engine,  # "auto" may be another one for a worker
            "views": self._network.views,
        }
        data = self._network.info.data
        self.settings: dict[str, Any] = {
            "keras_lvseg": __version__,
            "network": self._network.source,
            **{name: data[name] for name in ("image_size", "pixel_spacing", "intensity")},
            "views": self._network.views,
            "postprocess": self._network.info.inference["postprocess"],
            "independent": independent or not self._network.info.inference["postprocess"],
            "certainty": dict(self._network.info.certainty),
            "contour_origin": data["contour_origin"],
            "engine": self._network.engine,
        }

    @property
    def network(self) -> TrainedNetwork:
        """The network."""
        return self._network

    def segment(
        self,
        source: str | os.PathLike[str],
        *,
        pixel_spacing: float | tuple[float, float] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        on_read: Callable[[int, int], None] | None = None,
        client: Client | None = None,
    ) -> Segmentation:
        """Find the studies of a file or folder, to segment each when it is asked for.

        Args:
            source: DICOM or NIfTI file, greyscale PNG image, or folder with any of these at any depth. Images are
                grouped into studies by patient, examination and geometry. Patients are known in a tree that
                `keras_lvseg.SAXDataset` reads.
            pixel_spacing: Distance in mm between rows and between columns, one number for both, from 0.1 to 10. It is
                used for PNG images without a `patients.csv` and for DICOM files without a spacing. None assumes
                1.37 mm for these, and gives their areas in pixels only.
            on_progress: Called during iteration with the number of finished images and of all images.
            on_read: Called with the number of headers that were read and of all headers, before this method returns.
            client: Client of a Dask cluster whose workers read the headers, see `open_cluster`. None reads them in this
                process.

        Returns:
            The studies, and a reason for each file that belongs to none.

        Raises:
            DataError: There is no image, or a worker does not see `source`.
            ValueError: `pixel_spacing` is out of its range.
        """
        if pixel_spacing is not None:
            _check_spacing(pixel_spacing)
        read = read_contents
        if client is not None:
            from keras_lvseg.inference.archives.cluster_index import read_on_cluster

            read = functools.partial(read_on_cluster, client)
        inputs = find_inputs(source, pixel_spacing, read, on_read)
        if not inputs.studies:
            raise _nothing_found(Path(source), inputs)
        return Segmentation(inputs, self._network, self.settings, on_progress, arguments=self._arguments)

    def mask(self, image: ArrayLike, pixel_spacing: float | tuple[float, float]) -> np.ndarray:
        """Segment one image.

        Args:
            image: Array of shape (rows, columns), larger is brighter. Any unit will do for a network with "zscore"
                as `settings["intensity"]`, such as the bundled one.
            pixel_spacing: Distance in mm between rows and between columns, one number for both, from 0.1 to 10.

        Returns:
            bool array of the image's shape: the cavity.

        Raises:
            ValueError: An argument is out of its range.

        Example:
            >>> Segmenter().mask(np.zeros((100, 180)), pixel_spacing=1.4).shape
            (100, 180)
        """
        pixels = np.asarray(image)
        if pixels.ndim != 2 or not pixels.size or pixels.dtype.kind not in "biuf" or not np.isfinite(pixels).all():
            received = f"{pixels.dtype} of shape {pixels.shape}"
            raise invalid_argument("image", received, "finite numbers of shape (rows, columns)")
        _check_spacing(pixel_spacing)
        spacing = tuple(np.broadcast_to(pixel_spacing, 2).tolist())
        return self._network.masks([pixels.astype(np.float64)], [spacing])[0] == 1


def _check_spacing(spacing: float | tuple[float, float]) -> None:
    low, high = PIXEL_SPACING_RANGE
    values = np.asarray(spacing)
    numbers = values.shape in ((), (2,)) and values.dtype.kind in "iuf"
    if not numbers or not ((low <= values) & (values <= high)).all():
        raise invalid_argument("pixel_spacing", spacing, f"{low:g} to {high:g} mm")


def _nothing_found(source: Path, inputs: Inputs) -> DataError:
    """Return the error for a source without any image."""
    skipped = inputs.skipped
    if not source.is_dir() and skipped:
        return DataError(source, skipped[0].reason)
    if not skipped:
        return DataError(source, "holds no DICOM or NIfTI file and no PNG image")
    first = f"{skipped[0].path.relative_to(inputs.root)} {skipped[0].reason}"
    return DataError(source, f"holds no image that can be segmented among {len(skipped)} files", first)
