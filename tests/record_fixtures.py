"""Records for the tests of packages that read them."""

from collections.abc import Callable

import pytest
from made_records import make_record

from vosbench.bench.record import RunRecord


@pytest.fixture(scope="session")
def build() -> Callable[..., RunRecord]:
    return make_record


@pytest.fixture(scope="session")
def run(build: Callable[..., RunRecord]) -> tuple[RunRecord, ...]:
    """Two strategies and a control on two sequences of different lengths and object counts."""
    return (
        build("lfu", "cat", j=[0.9], f=[0.7], latency_ms=[100.0] * 2, end_to_end_seconds=0.5, tokens=[10, 20]),
        build("lfu", "dog", j=[0.3, 0.6], f=[0.5, 0.6], latency_ms=[200, 300, 400, 300], tokens=[10, 20, 20, 20]),
        build("fifo", "cat", position=1, j=[0.8], latency_ms=[50, 50], tokens=[10, 10], bytes_peak=2_000_000),
        build("fifo", "dog", position=1, j=[0.2, 0.5], latency_ms=[100] * 4, tokens=[10] * 4, bytes_peak=1_000_000),
        build("copy-first-mask", "cat", position=2, j=[0.4]),
        build("copy-first-mask", "dog", position=2, j=[0.1, 0.1]),
    )
