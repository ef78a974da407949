"""The shared network, and how its weights are loaded."""
