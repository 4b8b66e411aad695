"""Search for training settings by cross-validation."""
