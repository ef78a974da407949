"""Records for the tests of the report."""

from record_fixtures import build, run

__all__ = ["build", "run"]
