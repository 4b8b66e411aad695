"""Engines that compute a network outside Keras, and their files."""
