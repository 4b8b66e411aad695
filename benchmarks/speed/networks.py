"""The networks that the benchmarks of a step and of a training compare, each with the loss of its own package.

All have 16 filters at full resolution, as in the recipe, and two classes. `fit` trains with Adam, one pass over batches
of images (B, H, W, 1) and labels of the same shape. `predict_on_batch` takes and gives NumPy arrays, channels last.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import keras
import numpy as np

FILTERS, CLASSES, RATE = 16, 2, 1e-3
WIDTHS = [FILTERS * 2**level for level in range(5)]


class Batches(keras.utils.PyDataset):
    """The same batch, several times."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, steps: int):
        super().__init__()
        self.batch, self.steps = (images, labels), steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batch


def count_parameters(model: keras.Model) -> int:
    """Return the number of weights of a Keras network that are trained."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


class KerasNetwork:
    """A Keras network, trained by its own `fit`."""

    def __init__(self, model: keras.Model, loss: Any, metrics: Sequence[Any] = ()):
        self.model = model
        model.compile(keras.optimizers.Adam(RATE), loss=loss, metrics=list(metrics))
        self.predict_on_batch = model.predict_on_batch

    def fit(self, batches: keras.utils.PyDataset) -> None:
        """Train for one pass over the batches."""
        self.model.fit(batches, shuffle=False, verbose=0)

    @property
    def parameters(self) -> int:
        """The number of weights that are trained."""
        return count_parameters(self.model)


class TorchNetwork:
    """A PyTorch module in channels_last memory, trained by the usual loop."""

    def __init__(self, module: Any, loss: Callable):
        import torch

        self.model = module.to(memory_format=torch.channels_last)
        self.loss, self.optimizer = loss, torch.optim.Adam(module.parameters(), RATE)

    def fit(self, batches: keras.utils.PyDataset) -> None:
        """Train for one pass over the batches."""
        import torch

        self.model.train()
        for index in range(len(batches)):
            # Channels last in memory, seen as channels first: nothing is copied.
            images, labels = (torch.as_tensor(part).permute(0, 3, 1, 2) for part in batches[index])
            self.optimizer.zero_grad()
            self.loss(self.model(images), labels).backward()
            self.optimizer.step()
        batches.on_epoch_end()

    def predict_on_batch(self, images: np.ndarray) -> np.ndarray:
        """Return logits."""
        import torch

        self.model.eval()
        with torch.inference_mode():
            return self.model(torch.as_tensor(images).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()

    @property
    def parameters(self) -> int:
        """The number of weights that are trained."""
        return sum(weight.numel() for weight in self.model.parameters())


class EngineNetwork:
    """`unet` computed by an engine of `Segmenter`, to probabilities. It cannot be trained."""

    def __init__(self, name: Literal["openvino", "onnx"]):
        from keras_lvseg.inference.engines.engine import open_engine
        from keras_lvseg.models import pretrained_info, unet
        from keras_lvseg.models.pretrained import network_weights

        info = pretrained_info("sax-lv")
        architecture = {**info.architecture, "num_classes": CLASSES, "filters": FILTERS}
        model = unet(filters=FILTERS)
        arrays = {key: keras.ops.convert_to_numpy(weight) for key, weight in network_weights(model).items()}
        info = replace(info, architecture=architecture, data={**info.data, "target": "endocardium"})
        self.predict_on_batch = open_engine(name, info, arrays)
        self.parameters = count_parameters(model)


def ours() -> KerasNetwork:
    """Return `unet` with `SparseDiceCE` and `DiceCoefficient`."""
    from keras_lvseg import DiceCoefficient, SparseDiceCE, unet

    return KerasNetwork(unet(filters=FILTERS), SparseDiceCE(), [DiceCoefficient()])


def bare() -> KerasNetwork:
    """Return the layers of `unet` as plain Keras, with Keras' cross-entropy and no metric."""
    layers = keras.layers

    def block(x: Any, filters: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.Activation("relu")(layers.BatchNormalization(momentum=0.9)(x))
        return x

    image = keras.Input((None, None, 1))
    x, skips = block(image, FILTERS), []
    for filters in WIDTHS[1:]:
        skips.append(x)
        x = block(layers.MaxPooling2D(2)(x), filters)
    for filters, skip in zip(WIDTHS[-2::-1], reversed(skips), strict=True):
        x = layers.Concatenate()([layers.Conv2DTranspose(filters, 2, strides=2)(x), skip])
        x = block(x, filters)
    model = keras.Model(image, layers.Conv2D(CLASSES, 1)(x))
    return KerasNetwork(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def plain_torch() -> TorchNetwork:
    """Return the layers of `unet` as plain PyTorch, with PyTorch's cross-entropy."""
    import torch
    from torch import nn

    def block(channels: int, filters: int) -> nn.Module:
        parts = []
        for width in (channels, filters):
            parts += [nn.Conv2d(width, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
        return nn.Sequential(*parts)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = list(pairwise(WIDTHS))
            self.down = nn.ModuleList([block(1, FILTERS), *(block(a, b) for a, b in pairs)])
            self.upsample = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs))
            self.up = nn.ModuleList(block(2 * a, a) for a, _ in reversed(pairs))
            self.logits = nn.Conv2d(FILTERS, CLASSES, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            skips = [self.down[0](x)]
            for down in self.down[1:]:
                skips.append(down(nn.functional.max_pool2d(skips[-1], 2)))
            x = skips.pop()
            for upsample, up in zip(self.upsample, self.up, strict=True):
                x = up(torch.cat([upsample(x), skips.pop()], 1))
            return self.logits(x)

    return TorchNetwork(UNet(), lambda logits, labels: nn.functional.cross_entropy(logits, labels[:, 0].long()))


def monai_basic_unet() -> TorchNetwork:
    """Return MONAI's BasicUNet with its own defaults (instance normalization, leaky ReLU) and DiceCELoss."""
    from monai.losses import DiceCELoss
    from monai.networks.nets import BasicUNet

    module = BasicUNet(2, 1, CLASSES, features=(*WIDTHS, FILTERS))
    return TorchNetwork(module, DiceCELoss(to_onehot_y=True, softmax=True))


def monai_unet() -> TorchNetwork:
    """Return MONAI's UNet with two residual units, as in its tutorials, and DiceCELoss."""
    from monai.losses import DiceCELoss
    from monai.networks.nets import UNet

    return TorchNetwork(
        UNet(2, 1, CLASSES, channels=WIDTHS, strides=(2, 2, 2, 2), num_res_units=2),
        DiceCELoss(to_onehot_y=True, softmax=True),
    )


def medicai_unet() -> KerasNetwork:
    """Return medicai's UNet, which needs an encoder of its own: its smallest ResNet, four levels deep."""
    from medicai.losses import SparseDiceCELoss
    from medicai.models import UNet

    model = UNet(
        input_shape=(None, None, 1),
        encoder_name="resnet18",
        encoder_depth=4,
        decoder_filters=WIDTHS[-2::-1],
        num_classes=CLASSES,
        classifier_activation=None,
    )
    return KerasNetwork(model, SparseDiceCELoss(from_logits=True, num_classes=CLASSES))


def keras_unet_collection() -> KerasNetwork:
    """Return keras-unet-collection's `unet_2d` with batch normalization and Keras' cross-entropy."""
    from keras_unet_collection.models import unet_2d

    model = unet_2d((None, None, 1), WIDTHS, CLASSES, batch_norm=True, pool="max", unpool=False, output_activation=None)
    return KerasNetwork(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True))


NETWORKS: dict[str, tuple[str, Callable[[], KerasNetwork | TorchNetwork | EngineNetwork]]] = {
    "keras-lvseg, TensorFlow": ("tensorflow", ours),
    "keras-lvseg, JAX": ("jax", ours),
    "keras-lvseg, PyTorch": ("torch", ours),
    "keras-lvseg, OpenVINO": ("tensorflow", lambda: EngineNetwork("openvino")),
    "keras-lvseg, ONNX Runtime": ("tensorflow", lambda: EngineNetwork("onnx")),
    "same layers, plain Keras, TensorFlow": ("tensorflow", bare),
    "same layers, plain Keras, JAX": ("jax", bare),
    "same layers, plain Keras, PyTorch": ("torch", bare),
    "same layers, plain PyTorch": ("torch", plain_torch),
    "MONAI BasicUNet": ("torch", monai_basic_unet),
    "MONAI UNet": ("torch", monai_unet),
    "medicai UNet, TensorFlow": ("tensorflow", medicai_unet),
    "keras-unet-collection unet_2d, TensorFlow": ("tensorflow", keras_unet_collection),
}
"""The backend of the process and the maker of each network, by name."""
