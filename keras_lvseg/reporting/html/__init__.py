"""HTML pages, each in one file without scripts, fonts or images from elsewhere."""
