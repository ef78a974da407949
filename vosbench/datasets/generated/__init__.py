"""Generated clips: the embedded default, which needs no download."""
