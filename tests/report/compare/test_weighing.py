"""A comparison under a protocol that does not weigh all objects alike is one of that protocol's own J&F."""

from dataclasses import replace

import numpy as np
import pytest

from vosbench.bench.record import Scores
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.significance import signed_rank
from vosbench.report.compare.tables import difference_table
from vosbench.report.measures import pooled_jf

SEEN_TWICE = 9  # sequences of a seen object, of which nothing changes
GAINS = [0.2, 0.1, 0.3]  # of J of the unseen objects, each in a sequence of its own


@pytest.fixture
def runs(build):
    """runs(protocol, suite): a run and one in which the unseen objects alone gain."""

    def make(protocol, suite):
        found = {}
        for run, gains in (("old", [0] * 3), ("new", GAINS)):
            js = [0.5] * SEEN_TWICE + [0.3 + gain for gain in gains]
            records = [build("lfu", f"clip-{i:02}", j=[j], f=[0.5], latency_ms=[1.0]) for i, j in enumerate(js)]
            found[run] = [
                replace(record, suite=suite, scores=Scores(protocol, (replace(record.scores.objects[0], own=own),)))
                for i, record in enumerate(records)
                for own in [{"v_mean": 0.1, "unseen": float(i >= SEEN_TWICE)}]
            ]
        return found

    return make


def test_seen_and_unseen_weigh_alike_under_lvos(runs):
    pair = runs("lvos/2", {})
    (found,) = differences(pair_up(pair))
    table = difference_table([found])
    assert found.mean == pytest.approx(np.mean(GAINS) / 2 / 2)  # of J, and J&F is half of it
    assert found.mean == pytest.approx(pooled_jf(pair["new"]) - pooled_jf(pair["old"]), abs=1e-12)
    assert table.rows[1]["jf"] - table.rows[0]["jf"] == pytest.approx(table.rows[1]["difference"], abs=1e-12)
    assert ", weighed as in the scores of the protocol; its 95% interval" in table.caption
    draws = np.random.default_rng(5).integers(0, 12, (20_000, 12))
    unseen = draws >= SEEN_TWICE
    gains = np.array([0] * SEEN_TWICE + GAINS)[draws] / 2
    with np.errstate(invalid="ignore"):
        means = np.nanmean([(gains * one).sum(1) / one.sum(1) for one in (unseen, ~unseen)], axis=0)
    assert found.low == pytest.approx(np.quantile(means, 0.0168), abs=0.004)  # the tails widened for 12 sequences
    assert found.high == pytest.approx(np.quantile(means, 1 - 0.0168), abs=0.004)
    rest = np.array([0.0, 0.0, 0.0, 0.1, 0.2, -0.3])
    weights = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 0.5])
    flipped = [a + 2 * b for a in (2, -2) for b in (2, -2)]
    sums = [one + c for one in flipped for c in (1.5, -1.5)]
    expected = np.mean(np.abs(sums) >= abs(2 * 1 + 2 * 2 - 0.5 * 3) - 1e-9)
    assert signed_rank(rest, np.arange(6), weights) == pytest.approx(expected)


def test_a_protocol_that_sums_up_in_a_way_of_its_own_is_told_of(runs, tmp_path):
    (tmp_path / "best.py").write_text(
        "from dataclasses import dataclass, replace\n"
        "from vosbench.metrics.figures import Figures\n"
        "from vosbench.metrics.published.davis import DAVIS_2017\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Best(Figures):\n"
        "    def of_all(self, objects):\n"
        "        return super().of_all(objects) | {'jf': max((o.j.mean + o.f.mean) / 2 for o in objects)}\n\n\n"
        "BEST = replace(DAVIS_2017, name='best', figures=Best())\n"
    )
    pair = runs("best/1", {"protocol": str(tmp_path / "best.py")})
    table = difference_table(differences(pair_up(pair)))
    assert "all of which weigh alike here, as they do not in the scores of the protocol" in table.caption
    assert table.rows[1]["difference"] == pytest.approx(np.sum(GAINS) / 12 / 2)
