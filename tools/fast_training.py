"""Training of the package's U-Net on PyTorch, many steps a second: images stay on the GPU, a step is one CUDA graph.

The same network, loss, order and random augmentation as in `keras_lvseg.training.train`, which trains on any backend.
Keras runs the augmentation, of many batches at once. The network and the loss are written again here, because Keras'
own do not fit into a CUDA graph; `tests/tools/test_fast_training.py` compares both with the package's.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.augmentation_ops import apply_augmentation
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.models.build import build_network
from keras_lvseg.models.pretrained import network_weights
from tools.campaign_plans import Shape

EMA = 0.999
_IMAGES = 1024  # augmented at once
_FOR_STATISTICS = 512  # images whose statistics the averaged weights are normalized with
_EPSILON, _MOMENTUM = 1e-3, 0.1
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
_KERAS_SEED = threading.Lock()


def to_torch(key: str, array: np.ndarray) -> Tensor:
    """Return a weight of the Keras network in PyTorch's order of axes."""
    tensor = torch.tensor(np.asarray(array, np.float32), device=DEVICE)
    if tensor.ndim == 4:
        tensor = tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return tensor


def to_keras(tensor: Tensor) -> np.ndarray:
    """Return a weight in the order of axes of Keras."""
    return (tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor).contiguous().cpu().numpy()


def forward(weights: Mapping[str, Tensor], x: Tensor, training: bool, momentum: float = _MOMENTUM) -> Tensor:
    """Return the logits of a U-Net, (B, C, H, W), for images (B, 1, H, W) with sides that halve without a remainder."""

    def block(x: Tensor, name: str) -> Tensor:
        for i in (1, 2):
            x = functional.conv2d(x, weights[f"{name}/conv_{i}/kernel"], padding=1)
            norm = f"{name}/norm_{i}"
            moving = weights[f"{norm}/moving_mean"], weights[f"{norm}/moving_variance"]
            scale = weights[f"{norm}/gamma"], weights[f"{norm}/beta"]
            x = functional.relu(functional.batch_norm(x, *moving, *scale, training, momentum, _EPSILON))
        return x

    depth = sum(key.startswith("upsample_") and key.endswith("/bias") for key in weights)
    skips = []
    for level in range(depth):
        skips.append(block(x, f"down_{level}"))
        x = functional.max_pool2d(skips[-1], 2)
    x = block(x, "bottom")
    for level in reversed(range(depth)):
        up = weights[f"upsample_{level}/upsample/kernel"], weights[f"upsample_{level}/upsample/bias"]
        x = functional.conv_transpose2d(x, *up, stride=2)
        x = block(torch.cat([x, skips[level]], 1), f"up_{level}")
    with torch.autocast(DEVICE, enabled=False):
        return functional.conv2d(x.float(), weights["logits/kernel"], weights["logits/bias"])


def dice_ce(logits: Tensor, labels: Tensor) -> Tensor:
    """Return `SparseDiceCE(merged_classes={3: (0, 2)})` of three classes, or `SparseDiceCE()` of two.

    Args:
        logits: float32 of shape (B, C, H, W).
        labels: int64 of shape (B, H, W).
    """
    log_p = functional.log_softmax(logits, 1)
    merged = labels == 3
    own = -log_p.gather(1, labels.clamp(max=logits.shape[1] - 1)[:, None])[:, 0]
    cross_entropy = (
        own if logits.shape[1] == 2 else torch.where(merged, -torch.logaddexp(log_p[:, 0], log_p[:, 2]), own)
    )
    losses = []
    for c in range(1, logits.shape[1]):
        weight = (~merged).float() if c == 2 else torch.ones_like(log_p[:, 0])
        p, t = log_p[:, c].exp() * weight, (labels == c).float()
        both, assigned, labelled, area = ((v).sum((1, 2)) for v in (p * t, p, t, weight))
        empty = labelled == 0
        dice = 1 - 2 * both / (assigned + labelled + empty.float())
        losses.append(torch.where(empty, assigned / area.clamp(min=1), dice))
    return cross_entropy.mean() + torch.stack(losses).mean()


class FastTrainer:
    """Trains U-Nets of one `Shape`, one after the other.

    Several trainers run at the same time in threads of their own: each has a CUDA stream. A small network leaves most
    of a GPU idle. Make all of them before the first one trains.

    Args:
        shape: The networks.
        images: float32 tensor of shape (N, H, W, 1) on the device.
        labels: uint8 tensor of the same shape.
    """

    def __init__(self, shape: Shape, images: Tensor, labels: Tensor):
        self.shape, self._images, self._labels = shape, images, labels
        weights = self._fresh_weights(0)
        self.weights = {key: to_torch(key, value) for key, value in weights.items()}
        self._trained = {k: w.requires_grad_() for k, w in self.weights.items() if "moving" not in k}
        self.averages = {key: weight.detach().clone() for key, weight in self._trained.items()}
        self._statistics = {key: w.clone() for key, w in self.weights.items() if "moving" in key}
        self._stream = torch.cuda.Stream() if DEVICE == "cuda" else None
        self._rate = torch.tensor(1e-3, device=DEVICE)
        self._optimizer = torch.optim.Adam(
            self._trained.values(), lr=self._rate, eps=1e-7, fused=True, capturable=DEVICE == "cuda"
        )
        side = (shape.batch, 1, shape.crop, shape.crop)
        self._x = torch.randn(side, device=DEVICE).contiguous(memory_format=torch.channels_last)
        self._y = torch.zeros((shape.batch, *side[2:]), dtype=torch.int64, device=DEVICE)
        self._loss = torch.zeros((), device=DEVICE)
        self._graph: Any = None
        if DEVICE == "cuda":
            torch.cuda.synchronize()
            with self._on_own_stream():
                for _ in range(5):
                    self._step()
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            try:
                with torch.cuda.graph(graph, stream=self._stream):
                    self._step()
                self._graph = graph
            except RuntimeError as error:  # ten times slower, but it trains
                print("no CUDA graph:", str(error).splitlines()[0], flush=True)
                torch.cuda.synchronize()

    def train(
        self, subset: np.ndarray, augment: Augmentation, *, steps: int, seed: int, learning_rate: float
    ) -> list[float]:
        """Train one network, and leave it in `weights` and `averages`.

        Args:
            subset: Indices of the training images. An image may be there more than once.
            augment: Ranges of augmentation.
            steps: Steps of the cosine from `learning_rate` to 0.
            seed: Seed of weights, order and augmentation.
            learning_rate: Initial learning rate of Adam.

        Returns:
            The loss after each tenth of the training.
        """
        with self._on_own_stream():
            return self._train(subset, augment, steps, seed, learning_rate)

    def _train(
        self, subset: np.ndarray, augment: Augmentation, steps: int, seed: int, learning_rate: float
    ) -> list[float]:
        self._restart(seed)
        sampling = Sampling(len(subset), tuple(self._images.shape[1:3]), shuffle=True, augment=augment, seed=seed)
        losses, done = [], 0
        positions = torch.tensor(subset, device=DEVICE)
        for order, parameters in _prefetched(_chunks(sampling, self.shape.batch, steps)):
            index = positions[torch.tensor(order, device=DEVICE)]
            x, y = apply_augmentation(self._images[index], self._labels[index], parameters, crop=self.shape.crop)
            x, y = x[..., 0].reshape(-1, *self._x.shape), y[..., 0].reshape(-1, *self._y.shape)
            for own_x, own_y in zip(x, y, strict=True):
                self._x.copy_(own_x)
                self._y.copy_(own_y)
                self._rate.fill_(learning_rate * (1 + math.cos(math.pi * done / steps)) / 2)
                self._graph.replay() if self._graph else self._step()
                done += 1
                if done % max(steps // 10, 1) == 0:
                    losses.append(float(self._loss))
            if self._stream:
                self._stream.synchronize()  # a thread that is far ahead of the GPU would hold up the others
        self._measure_statistics(x.reshape(-1, *self._x.shape[1:])[:_FOR_STATISTICS])
        return losses

    def _on_own_stream(self) -> AbstractContextManager:
        return torch.cuda.stream(self._stream) if self._stream else nullcontext()

    @torch.no_grad()
    def _measure_statistics(self, images: Tensor) -> None:
        """Set the averaged network's statistics of batch normalization to those of the images."""
        images = images.contiguous(memory_format=torch.channels_last)
        forward(self.weights | self.averages | self._statistics, images, True, momentum=1.0)

    def keras_weights(self, which: str) -> dict[str, np.ndarray]:
        """Return the weights by their names in the package: "ema", averaged, or "last"."""
        with self._on_own_stream():
            return {key: to_keras(weight.detach()) for key, weight in self._weights(which).items()}

    @torch.no_grad()
    def probabilities(self, images: np.ndarray, which: str) -> np.ndarray:
        """Return probabilities of the classes above 0, the mean over four flips, as `predict_probabilities` does.

        Args:
            images: float32 array of shape (B, H, W, 1).
            which: "ema", averaged weights with statistics of their own, or "last".

        Returns:
            float16 array of shape (B, H, W, C - 1).
        """
        weights, total = self._weights(which), 0
        with self._on_own_stream():
            x = torch.tensor(images, device=DEVICE).permute(0, 3, 1, 2)
            for axes in ((), (2,), (3,), (2, 3)):
                flipped = x.flip(axes).contiguous(memory_format=torch.channels_last)
                total = total + functional.softmax(forward(weights, flipped, False), 1).flip(axes)
            return (total[:, 1:] / 4).permute(0, 2, 3, 1).half().cpu().numpy()

    def _weights(self, which: str) -> dict[str, Tensor]:
        return self.weights | (self.averages | self._statistics if which == "ema" else {})

    def _fresh_weights(self, seed: int) -> dict[str, np.ndarray]:
        with _KERAS_SEED:
            keras.utils.set_random_seed(seed)
            network = build_network("unet", self.shape.architecture)
        return {key: keras.ops.convert_to_numpy(weight) for key, weight in network_weights(network).items()}

    @torch.no_grad()
    def _restart(self, seed: int) -> None:
        for key, value in self._fresh_weights(seed).items():
            self.weights[key].copy_(to_torch(key, value))
        for key, average in self.averages.items():
            average.copy_(self.weights[key])
        for state in self._optimizer.state.values():
            for value in state.values():
                value.zero_()

    def _step(self) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE, torch.bfloat16, enabled=self.shape.dtype == "mixed_bfloat16", cache_enabled=False):
            logits = forward(self.weights, self._x, True)
        loss = dice_ce(logits, self._y)
        loss.backward()
        self._optimizer.step()
        with torch.no_grad():
            self._loss.copy_(loss)
            torch._foreach_lerp_(list(self.averages.values()), list(self._trained.values()), 1 - EMA)


def _chunks(sampling: Sampling, batch: int, steps: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield indices and augmentation of whole batches. Epochs have whole batches only."""
    epochs = (sampling.epoch(epoch) for epoch in range(10**9))
    orders, rows = np.empty(0, int), None
    left = steps * batch
    while left:
        size = min(left, _IMAGES // batch * batch)
        while len(orders) < size:
            order, own = next(epochs)
            whole = max(len(order) // batch, 1) * batch
            orders = np.concatenate([orders, order[:whole]])
            rows = own[:whole] if rows is None else np.concatenate([rows, own[:whole]])
        yield orders[:size], rows[:size]
        orders, rows, left = orders[size:], rows[size:], left - size


def _prefetched(items: Iterator) -> Iterator:
    """Yield the items, each made in a thread while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        upcoming: Any = pool.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield item
