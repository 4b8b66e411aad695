from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import torch

from keras_lvseg.data import Augmentation
from keras_lvseg.inference.predict import predict_probabilities
from keras_lvseg.losses import SparseDiceCE
from keras_lvseg.models.build import build_network
from keras_lvseg.models.pretrained import assign_arrays, network_weights
from tools.campaign_plans import Shape
from tools.fast_training import FastTrainer, dice_ce, forward, to_keras, to_torch


def shape(classes):
    return Shape(classes=classes, batch=4, crop=32, columns=140, filters=4, dtype="float32")


@pytest.mark.parametrize("classes", [2, 3])
def test_forward_equals_the_package_s_network(classes):
    rng = np.random.default_rng(0)
    network = build_network("unet", shape(classes).architecture)
    for key, weight in network_weights(network).items():
        weight.assign(rng.normal(size=weight.shape) * 0.2 + ("gamma" in key or "variance" in key))
    weights = {k: to_torch(k, keras.ops.convert_to_numpy(v)) for k, v in network_weights(network).items()}
    for key, weight in network_weights(network).items():
        np.testing.assert_array_equal(to_keras(weights[key]), keras.ops.convert_to_numpy(weight))
    images = rng.normal(size=(3, 48, 32, 1)).astype("float32")
    for training in (False, True):
        expected = keras.ops.convert_to_numpy(network(images, training=training))
        with torch.no_grad():
            logits = forward(weights, torch.tensor(images).permute(0, 3, 1, 2), training).permute(0, 2, 3, 1)
        np.testing.assert_allclose(logits, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("classes", [2, 3])
def test_dice_ce_equals_the_package_s_loss(classes):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4 if classes == 3 else 2, (5, 8, 8))
    labels[1], labels[2] = 0, 3 if classes == 3 else 1
    logits = rng.normal(size=(5, 8, 8, classes)).astype("float32")
    loss = SparseDiceCE(merged_classes={3: (0, 2)} if classes == 3 else None)
    ours = dice_ce(torch.tensor(logits).permute(0, 3, 1, 2), torch.tensor(labels))
    assert float(ours) == pytest.approx(float(loss(labels, logits)), rel=1e-5)


def test_fast_trainer_repeats_a_training_and_predicts_as_the_package():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(12, 48, 48, 1)).astype("float32")
    labels = (images > 0.5).astype("uint8")
    trainer = FastTrainer(shape(3), torch.tensor(images), torch.tensor(labels))
    options = {"steps": 10, "seed": 3, "learning_rate": 1e-2}
    first, second = (trainer.train(np.arange(10), Augmentation(curve=0.5), **options) for _ in range(2))
    assert first == second
    assert first[-1] < first[0]
    network = build_network("unet", shape(3).architecture)
    assign_arrays(network, trainer.keras_weights("last"), "trained")
    expected = predict_probabilities(network, images[:2], flip_tta=True)[..., 1:]
    np.testing.assert_allclose(trainer.probabilities(images[:2], "last"), expected, atol=1e-3)


def test_fast_trainers_in_threads_train_as_alone():
    rng = np.random.default_rng(0)
    images = torch.tensor(rng.normal(size=(12, 48, 48, 1)).astype("float32"))
    trainers = [FastTrainer(shape(3), images, (images > 0.5).to(torch.uint8)) for _ in range(2)]

    def trained(number):
        trainers[number].train(np.arange(10), Augmentation(curve=0.5), steps=6, seed=number, learning_rate=1e-2)
        return trainers[number].keras_weights("ema")

    alone = [trained(number) for number in range(2)]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(trained, range(2)))
    for one, other in zip(alone, together, strict=True):
        for key in one:
            np.testing.assert_allclose(one[key], other[key], atol=1e-5, err_msg=key)
