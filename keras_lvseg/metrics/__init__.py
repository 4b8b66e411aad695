"""Metrics."""

from keras_lvseg.metrics.dice_coefficient import DiceCoefficient
from keras_lvseg.metrics.mean_dice import MeanDice

__all__ = ["DiceCoefficient", "MeanDice"]
