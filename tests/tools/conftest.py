import keras

# The fast training is written in PyTorch.
collect_ignore = [] if keras.config.backend() == "torch" else ["test_fast_training.py"]
