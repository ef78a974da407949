"""Records for the tests of runs."""

from made_records import build, run

__all__ = ["build", "run"]
