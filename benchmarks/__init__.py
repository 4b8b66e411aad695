"""Measurements behind the tables of the documentation, run from the root of the checkout."""
