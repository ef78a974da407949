"""Runs one strategy over one video."""
