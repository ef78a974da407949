"""This project under its own gate: the bundled weights on generated clips score and cost what they did."""

from dataclasses import replace

import pytest
from baseline import BASELINE, measure

from vosbench.bench.record import read_run
from vosbench.errors import VosbenchError
from vosbench.report.compare.gate import Tolerance, gate
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.verdict import failures

# Of other processors, whose sums round otherwise, a few pixels of an outline; counts are the same everywhere.
TOLERANCE = Tolerance(accuracy=0.2, speed=1.0, timed=False, both_ways=True)
REMEDY = "if that is meant, make the baseline anew on a committed tree: python tests/baseline.py"


def test_nothing_changed_since_the_baseline(tmp_path):
    before = read_run(BASELINE)
    same = before[0].dataset.fingerprint  # the pictures, too, may be rounded otherwise: what matters shows in scores
    now = [replace(r, dataset=replace(r.dataset, fingerprint=same)) for r in measure(tmp_path)]
    try:
        checks = gate(pair_up({"baseline": before, "now": now}), TOLERANCE)
    except VosbenchError as error:
        pytest.fail(f"{error.message}; {REMEDY}")
    assert len(checks) == 8  # two strategies, each J, F, tokens read and bytes
    changed = [f"{c.strategy}: {c.quantity} {c.detail}" for c in failures(checks)]
    assert not changed, f"{'; '.join(changed)}; {REMEDY}"
