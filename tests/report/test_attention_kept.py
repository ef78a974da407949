"""What results/README.md says of attention kept and J&F follows from what is committed in results/catalogue-val."""

import json
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from vosbench.bench.record import read_run
from vosbench.report.context import by_strategy
from vosbench.report.measures import pooled_jf

FOLDER = Path(__file__).resolve().parents[2] / "results/catalogue-val"


@pytest.fixture(scope="module")
def committed():
    """Attention kept and J&F of each strategy, and what the simulation found over all."""
    with (FOLDER / "attention-kept.json").open() as file:
        found = json.load(file)
    groups = by_strategy(read_run(FOLDER))
    sources = found["conditions"]["source_hashes"]
    assert sources == {name: groups[name][0].policy.source_hash for name in sources}
    assert {group[0].model.checkpoint_hash for group in groups.values()} == {found["conditions"]["checkpoint_hash"]}
    rows = [(row["strategy"], row["retained"], pooled_jf(groups[row["strategy"]])) for row in found["result"]["rows"]]
    return rows, found["result"]["against"]["rho"]


def rho(rows):
    return round(float(spearmanr([kept for _, kept, _ in rows], [jf for *_, jf in rows]).statistic), 2)


def test_over_all_settings(committed):
    rows, said = committed
    assert len(rows) == 51
    assert rho(rows) == round(said, 2) == 0.73
    assert rho([row for row in rows if not row[0].startswith("oracle-masks")]) == 0.76


@pytest.mark.parametrize(("capacity", "expected"), [(2, -0.07), (4, 0.31), (8, 0.54)])
def test_among_those_of_one_size(committed, capacity, expected):
    same = [
        row
        for row in committed[0]
        if (f"capacity={capacity}" in row[0] or row[0] == f"recent-n:n={capacity - 1}") and "oracle" not in row[0]
    ]
    assert len(same) == 13
    assert rho(same) == expected
