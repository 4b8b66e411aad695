"""Segmenter: from image files to masks of the left ventricle's cavity."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.inference.trained_network import TYPICAL_SPACING, TrainedNetwork
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE
from keras_lvseg.studies.frame_images import read_image
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study
from keras_lvseg.version import __version__

_BATCH_SIZE = 16


class Segmenter:
    """Segments the cavity of the left ventricle in short-axis images, on the native grid of each.

    Args:
        run: Folder of a finished training run. None takes the bundled network. Nothing in the folder can run code.

    Attributes:
        settings: The network and its options, as plain values.

    Raises:
        DataError: The folder is not a finished run, or a file in it is damaged.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder / "heart", patients=1, frames="contoured")
        >>> image = sorted(folder.glob("heart/dicoms/*/*.dcm"))[0]
        >>> segmentation = Segmenter().segment(image)
        >>> segmentation.write(folder / "out")
        >>> [path.name for path in folder.glob("out/masks/*")] == [f"{image.stem}_mask.png"]
        True
    """

    def __init__(self, run: str | os.PathLike[str] | None = None):
        self._network = TrainedNetwork.bundled() if run is None else TrainedNetwork.from_run(run)
        data = self._network.info.data
        self.settings: dict[str, Any] = {
            "keras_lvseg": __version__,
            "network": self._network.source,
            **{name: data[name] for name in ("image_size", "pixel_spacing", "intensity")},
            **self._network.info.inference,
            "contour_origin": data["contour_origin"],
        }

    def segment(
        self,
        source: str | os.PathLike[str],
        *,
        pixel_spacing: float | tuple[float, float] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Segmentation:
        """Segment all images of a file or folder.

        Args:
            source: DICOM file, greyscale PNG image, or folder with any of these at any depth. Images are grouped into
                studies by their headers. Patients are known in a tree that `keras_lvseg.SAXDataset` reads.
            pixel_spacing: Distance in mm between rows and between columns, one number for both, from 0.1 to 10. It is
                used for PNG images without a `patients.csv` and for DICOM files without a spacing. None assumes
                1.37 mm for these, and gives their areas in pixels only.
            on_progress: Called after each step with the number of finished images and of all images.

        Returns:
            A mask per image, and a reason per skipped file.

        Raises:
            DataError: No image can be segmented.
            ValueError: `pixel_spacing` is out of its range.
        """
        if pixel_spacing is not None:
            _check_spacing(pixel_spacing)
        inputs = find_inputs(source, pixel_spacing)
        frames = [frame for study in inputs.studies for frame in study.frames]
        masks: dict[tuple[Path, int | None], np.ndarray] = {}
        skipped = list(inputs.skipped)
        for start in range(0, len(frames), _BATCH_SIZE):
            images, spacings = {}, []
            for frame in frames[start : start + _BATCH_SIZE]:
                try:
                    images[frame.key] = read_image(frame)
                    spacings.append(frame.pixel_spacing)
                except DataError as error:
                    skipped.append(SkippedFile(frame.path, error.reason, frame.record))
            if images:
                masks |= zip(images, self._network.masks([*images.values()], spacings), strict=True)
            if on_progress:
                on_progress(min(start + _BATCH_SIZE, len(frames)), len(frames))
        if not masks:
            raise _nothing_segmented(Path(source), inputs.root, skipped)
        studies = tuple(left for study in inputs.studies if (left := study.restrict_to(masks)).frames)
        notes = (*inputs.notes, *self._notes(studies))
        return Segmentation(inputs.root, studies, masks, tuple(skipped), notes, self.settings)

    def mask(self, image: ArrayLike, pixel_spacing: float | tuple[float, float]) -> np.ndarray:
        """Segment one image.

        Args:
            image: Array of shape (rows, columns), larger is brighter. Any unit will do for a network with "zscore"
                as `settings["intensity"]`, such as the bundled one.
            pixel_spacing: Distance in mm between rows and between columns, one number for both, from 0.1 to 10.

        Returns:
            bool array of the image's shape.

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
        return self._network.masks([pixels.astype(np.float64)], [spacing])[0]

    def _notes(self, studies: Sequence[Study]) -> Iterator[str]:
        unknown = sum(np.isnan(frame.pixel_spacing).any() for study in studies for frame in study.frames)
        if not unknown:
            return
        resampled = self.settings["pixel_spacing"] is not None
        assumed = f"{TYPICAL_SPACING} mm is assumed, and " if resampled else ""
        yield f"the pixel spacing of {unknown} images is unknown: {assumed}their areas are given in pixels only"


def _check_spacing(spacing: float | tuple[float, float]) -> None:
    low, high = PIXEL_SPACING_RANGE
    values = np.asarray(spacing)
    numbers = values.shape in ((), (2,)) and values.dtype.kind in "iuf"
    if not numbers or not ((low <= values) & (values <= high)).all():
        raise invalid_argument("pixel_spacing", spacing, f"{low:g} to {high:g} mm")


def _nothing_segmented(source: Path, root: Path, skipped: list[SkippedFile]) -> DataError:
    """Return the error for a source without any mask."""
    if not source.is_dir():
        return DataError(source, skipped[0].reason)
    if not skipped:
        return DataError(source, "holds no DICOM file and no PNG image")
    first = f"{skipped[0].path.relative_to(root)} {skipped[0].reason}"
    return DataError(source, f"holds no image that can be segmented among {len(skipped)} files", first)
