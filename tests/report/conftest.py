"""Records for the tests of the report."""

from made_records import build, run

__all__ = ["build", "run"]
