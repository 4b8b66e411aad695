"""Assembly of frames into short-axis stacks: what belongs together, slices and phases."""
