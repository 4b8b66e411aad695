"""Metrics, which keras sums over batches and replicas."""

from keras_lvseg.metrics.dice_coefficient import DiceCoefficient

__all__ = ["DiceCoefficient"]
