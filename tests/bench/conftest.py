"""Records for the tests of runs, and runs of a network that takes no time: what it finds has no part in them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from layouts import write_small_davis
from record_fixtures import build, run

from vosbench.bench import runner
from vosbench.bench.suite import Suite

__all__ = ["build", "run"]
TOY = str(Path(__file__).parents[1] / "toy_network.py")


@pytest.fixture(scope="session")
def small_suite(small_suite: Callable[..., Suite]) -> Callable[..., Suite]:
    """That of all tests, with a network of five convolutions."""
    return lambda root, **changes: small_suite(root, **{"model": TOY} | changes)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, small_suite: Callable[..., Suite]) -> Path:
    """That of all tests, with this network."""
    folder = tmp_path_factory.mktemp("finished")
    runner.run(small_suite(write_small_davis(folder / "DAVIS")), folder / "run")
    return folder
