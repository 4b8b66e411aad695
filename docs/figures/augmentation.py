"""Plot each kind of augmentation on a synthetic heart.

    python docs/figures/augmentation.py docs/figures/augmentation.png

Each panel shows one argument, the last one all together: the strongest of twenty draws. Fine lines are straight in the
original image.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_lvseg.data import Augmentation, SAXDataset, apply_augmentation, source_points
from keras_lvseg.phantom import write_phantom

SIZE = (192, 192)
DRAWN = 20
RANGES = {
    "rotation": 180,
    "scale": 0.3,
    "shift": 20,
    "flip": True,
    "elastic": 0.4,
    "contrast": 0.5,
    "brightness": 0.8,
    "gamma": 0.8,
    "noise": 0.4,
    "shading": 1.5,
}
TOGETHER = Augmentation(
    rotation=180,
    scale=0.2,
    shift=8,
    flip=True,
    elastic=0.2,
    contrast=0.25,
    brightness=0.25,
    gamma=0.3,
    noise=0.2,
    shading=0.4,
)


def heart() -> tuple[np.ndarray, np.ndarray]:
    """Return image and label of an end-diastolic slice at half height."""
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder) / "phantom", patients=1, seed=0, frames="contoured")
        dataset = SAXDataset(Path(folder) / "phantom", image_size=SIZE)
        images, labels = dataset.as_arrays("all")
        ed_phase = dataset.patients[0].ed_phase
        places = [i for i, frame in enumerate(dataset.labelled_frames("all")) if frame.phase == ed_phase]
    middle = places[len(places) // 2]
    return images[middle], labels[middle]


def strongest(image: np.ndarray, label: np.ndarray, augment: Augmentation) -> np.ndarray:
    """Return the drawn parameters that change the intensities the most, pixel by pixel: float32 of shape (1, 125)."""
    parameters = augment.draw(seed=0, epoch=0, count=DRAWN, image_size=SIZE)
    images, labels = (np.repeat(part[None], DRAWN, axis=0) for part in (image, label))
    augmented = keras.ops.convert_to_numpy(apply_augmentation(images, labels, parameters)[0])
    most = np.abs(augmented - images).mean(axis=(1, 2, 3)).argmax()
    return parameters[most][None]


def draw(axes: Axes, image: np.ndarray, label: np.ndarray, parameters: np.ndarray, title: str) -> None:
    low, high = np.percentile(image, (1, 99.5))
    augmented, moved = map(keras.ops.convert_to_numpy, apply_augmentation(image[None], label[None], parameters))
    axes.imshow(augmented[0, ..., 0], cmap="gray", vmin=low, vmax=high)
    points = keras.ops.convert_to_numpy(source_points(parameters, image_size=SIZE))[0]
    if not np.array_equal(points, np.indices(SIZE)):
        for point, size in zip(points, SIZE, strict=True):
            axes.contour(point, levels=np.linspace(0, size - 1, 9), colors="white", linewidths=0.4, alpha=0.5)
    axes.contour(moved[0, ..., 0], levels=[0.5], colors="#2fd15b", linewidths=1.0)
    axes.set_axis_off()
    axes.set_title(title, fontsize=8, pad=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    image, label = heart()
    kinds = {f"{name}={value}": Augmentation(**{name: value}) for name, value in RANGES.items()}
    panels = {"as it is": Augmentation(), **kinds, "all, in smaller ranges": TOGETHER}
    figure = Figure(figsize=(12, 4.3), layout="constrained")
    for axes, (title, augment) in zip(figure.subplots(2, 6).flat, panels.items(), strict=True):
        draw(axes, image, label, strongest(image, label, augment), title)
    figure.savefig(arguments.picture, dpi=110)


if __name__ == "__main__":
    main()
