"""Training of the shared model."""
