"""Runs of several choices of sequences into one folder add up."""

import shutil
from dataclasses import replace

import pytest

from vosbench.bench.plan import Plan
from vosbench.bench.record import DatasetInfo, read_run
from vosbench.bench.runner import run
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import pair_up
from vosbench.report.context import by_strategy, context, version
from vosbench.report.tables.strategy import table

pytestmark = pytest.mark.usefixtures("lent_pool")


def lasting(records):
    """What of records does not depend on when they were made, and with which choice."""
    return [
        replace(r, timings=(), environment=None, suite={}, dataset=None, partial=False, together=1) for r in records
    ]


@pytest.mark.parametrize(
    "choices",
    [
        ({"sequences": ("ant",)}, {"sequences": ("bee",)}),
        ({"exclude": ("ant",)}, {"limit": 1}),
        ({"limit": 1}, {}),
    ],
    ids=["sequences", "exclude", "limit"],
)
def test_choices_add_up_to_the_whole(finished_run, small_davis, small_suite, tmp_path, work, choices):
    first, second = (small_suite(small_davis, **choice) for choice in choices)
    run(first, tmp_path / "run", work)
    made = read_run(tmp_path / "run")
    assert "PARTIAL (sequences were left out)" in table(made).caption
    (before,) = {name for _, name in work}
    work.clear()
    run(second, tmp_path / "run", work)
    assert {name for _, name in work} == {"ant", "bee"} - {before}
    records = read_run(tmp_path / "run")
    assert all(record in records for record in made)
    assert lasting(records) == lasting(read_run(finished_run / "run"))
    assert "PARTIAL" not in table(records).caption
    work.clear()
    run(small_suite(small_davis), tmp_path / "run", work)
    assert not work


def test_what_is_asked_for_is_whole_whatever_was_asked_before(small_davis, small_suite, tmp_path):
    """A finished request is not PARTIAL for what an earlier, wider one asked for; a stopped one is in every table."""
    wide, narrow, renamed = (
        small_suite(small_davis, policies=policies, controls=False)
        for policies in (("first-only", "every-k"), ("every-k",), ("K=every-k:k=5", "latest-only"))
    )
    run(wide, tmp_path / "run")
    for suite, labels in (
        (narrow, ["every-k"]),
        (replace(narrow, limit=1), ["every-k"]),
        (renamed, ["K", "latest-only"]),
    ):
        records = run(suite, tmp_path / "run")
        assert list(by_strategy(records)) == labels
        assert context(records).lacks == (("sequences were left out",) if suite.limit else ())
    assert context(read_run(tmp_path / "run")).lacks == ()
    shutil.rmtree(tmp_path / "run/records/K")
    assert context(read_run(tmp_path / "run")).lacks == ("not run yet: every-k, K=every-k:k=5",)


def test_the_folder_of_a_run_is_that_of_its_files(small_davis, small_suite, tmp_path, work):
    """Two folders with the same names have a run each, and a video that is mended goes on in that where it was."""
    other = shutil.copytree(small_davis, tmp_path / "other")
    shutil.copy(other / "JPEGImages/480p/bee/00001.jpg", other / "JPEGImages/480p/bee/00003.jpg")
    suites = [small_suite(root, policies=("first-only",), controls=False) for root in (small_davis, other)]
    folders = []
    for suite in (*suites, *suites):
        plan = Plan(suite, within=tmp_path)
        run(suite, plan.folder, work)
        folders.append(plan.folder.name)
    assert folders == [folders[0], f"{folders[0]}-2"] * 2
    assert len(work) == 2  # a strategy on two sequences; `work` holds each once
    moved = shutil.move(small_davis, tmp_path / "moved")
    assert Plan(replace(suites[0], root=moved), within=tmp_path).folder.name == folders[0]
    (other / "ImageSets/2017/val.txt").write_text("bee\n")  # ant has results, and is no longer there
    assert Plan(suites[1], within=tmp_path).folder.name == f"{folders[0]}-3"


def test_older_records_are_compared_with_new_ones(finished_run):
    """An older record has the files of its whole run in one hash."""
    new = read_run(finished_run / "run")
    info = DatasetInfo("davis2017", "val", "480p", version(new), 2)
    old = [replace(record, fingerprint="", dataset=info) for record in new]
    assert all(d.mark == "=" for d in differences(pair_up({"old": old, "new": new})))
    assert version(old) == version(new)
    assert version(old) != version([r for r in new if r.sequence == "ant"])
