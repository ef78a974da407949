"""Under a protocol without F the accuracy is J, and every table and figure calls it so."""

from dataclasses import replace

import pytest

from vosbench.bench.record import Scores
from vosbench.metrics.analysis import Analysis
from vosbench.metrics.figures import MEANS
from vosbench.metrics.statistics import ObjectScore
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.compare.tables import changed_objects, difference_table
from vosbench.report.measures import accuracy_of
from vosbench.report.plots import accuracy_against_capacity, accuracy_against_speed
from vosbench.report.rendering import render
from vosbench.report.scored_masks import analysis_tables, object_table, summary_table
from vosbench.report.tables import attributes, strategy


@pytest.fixture
def runs(build):
    """The same run under DAVIS's rules and under VOST's."""
    specs = ("lfu:capacity=2", "lfu:capacity=4")
    records = [
        replace(build(spec, name, position=place, j=[j + place / 10], latency_ms=[9.0], tokens=[10]), attributes=has)
        for place, spec in enumerate(specs)
        for name, j, has in (("cat", 0.5, ("fast",)), ("dog", 0.6, ()))
    ]
    without = [
        replace(r, scores=Scores("vost/1", tuple(replace(o, f=None) for o in r.scores.objects))) for r in records
    ]
    return {"J&F": records, "J": without}


@pytest.mark.parametrize("name", ["J&F", "J"])
def test_tables_and_figures_name_what_is_measured(runs, name):
    records = runs[name]
    assert accuracy_of(records) == name
    found = differences(pair_up({"night": records}))
    tables = [
        strategy.table(records),
        attributes.table(records),
        difference_table(found),
        changed_objects(found),
        *analysis_tables(Analysis(0.5, 1, 0.5, {0.5: (1.0, 1.0)}), name, "")[:1],
    ]
    figures = [module.figure(records) for module in (accuracy_against_speed, accuracy_against_capacity)]
    for figure in figures:
        assert figure.axes[0].get_ylabel() == f"accuracy: {name} (%)"
    texts = [render(table, "markdown") for table in tables]
    assert f"{name} elsewhere" in " ".join(texts[1].split())
    assert f"baseline {name}" in " ".join(texts[3].split())
    assert f"The objects whose {name} changed most." in texts[3]
    assert f"{name} after re-appearance" in " ".join(texts[4].split())
    assert all(("J&F" in text) == (name == "J&F") for text in texts)


def test_a_folder_of_masks_too(runs):
    (first, *_) = runs["J"]
    objects = [ObjectScore("cat", o.object_id, o.j, o.f, o.frames) for o in first.scores.objects]
    for table in (summary_table(objects, MEANS, ""), object_table(objects, MEANS, "")):
        assert "J&F" not in render(table)
