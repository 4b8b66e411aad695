"""Masks of a study that agree with each other, and flags where they do not."""
