"""Losses of integer labels and logits."""

from keras_lvseg.losses.sparse_dice_ce import SparseDiceCE
from keras_lvseg.losses.sparse_soft_dice import SparseSoftDice
from keras_lvseg.losses.sparse_softmax_ce import SparseSoftmaxCE

__all__ = ["SparseDiceCE", "SparseSoftDice", "SparseSoftmaxCE"]
