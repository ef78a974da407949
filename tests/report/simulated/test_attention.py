"""Tables of simulated strategies, and rank correlation."""

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.report.rendering import render
from vosbench.report.simulated.against import agreement
from vosbench.report.simulated.attention import table as attention_table
from vosbench.simulation.outcome import Outcome

OUTCOMES = (
    Outcome("lfu", "ant", 10, (0.5, 0.7, 0.9), (1.0, 2.0, 3.0), (10, 20, 20, 20), (10,)),
    Outcome("lfu", "bee", 10, (0.1,), (4.0,), (5, 15), ()),
    Outcome("lru", "ant", 10, (), (), (0,), ()),
)


def test_means_go_over_reads_frames_and_writes():
    table = attention_table(OUTCOMES, "Conditions.", {"lfu": "strategy", "lru": "reference"})
    first, second = table.frame.to_dict("records")
    assert first == {
        "strategy": "lfu",
        "kind": "strategy",
        "retained": pytest.approx(0.55),
        "hit_age": pytest.approx(2.5),
        "frames_in_memory": pytest.approx(90 / 60),
        "frames_in_memory_peak": 2,
        "churn": 1,
    }
    assert np.isnan([second["retained"], second["hit_age"], second["churn"]]).all()
    alone = attention_table(OUTCOMES[:1], "Conditions.", {"lfu": "strategy"})
    assert alone.rows[0]["retained"] == pytest.approx(0.7)
    text = render(table)
    assert text.startswith("Conditions.")
    assert text.splitlines()[6].split() == ["lfu", "55.0", "2.5", "1.5", "2.0", "100.0"]
    assert text.splitlines()[7].startswith("lru (reference)")


def test_rank_correlation():
    kept = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4, "alone": 0.5, "void": np.nan}
    jf = {"a": 0.5, "b": 0.7, "c": 0.6, "d": 0.8, "other": 0.1, "void": 0.9}
    found = agreement(kept, jf)  # ranks 1 2 3 4 and 1 3 2 4: 1 - 6 * 2 / (4 * 15)
    assert (found.rho, found.strategies) == (pytest.approx(0.8), 4)
    assert agreement(kept, {spec: -value for spec, value in kept.items()}).rho == pytest.approx(-1)


@pytest.mark.parametrize(
    ("kept", "jf", "message"),
    [
        ({"a": 0.1, "b": 0.2}, {"a": 0.1, "b": 0.2}, "2 strategies with both"),
        ({"a": 0.1, "b": 0.2, "c": 0.3}, {}, "0 strategies with both"),
        ({"a": 0.1, "b": 0.1, "c": 0.1}, {"a": 0.1, "b": 0.2, "c": 0.3}, "the same for all"),
    ],
)
def test_no_rank_correlation(kept, jf, message):
    with pytest.raises(VosbenchError, match=message):
        agreement(kept, jf)
