"""Metrics."""

from keras_lvseg.metrics.dice_coefficient import DiceCoefficient

__all__ = ["DiceCoefficient"]
