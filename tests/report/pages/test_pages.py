"""What is on the pages of a report, from records and pictures, without a browser."""

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

import numpy as np
import pytest
from layouts import HOSTILE
from markupsafe import escape

from vosbench.base.varints import unpack
from vosbench.bench.record import read_record, read_run, write_record
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import VOID
from vosbench.memory.trace import MemoryTrace
from vosbench.report.compare.differences import differences
from vosbench.report.compare.pairing import select
from vosbench.report.context import context
from vosbench.report.pages import scrubber
from vosbench.report.pages.build import build
from vosbench.report.pages.encoding import label_runs, shown_size, shrink
from vosbench.report.pages.failures import chosen, moments_of
from vosbench.report.pages.leaderboard import gains, leaderboard, too_few
from vosbench.report.pages.sequence import make_page
from vosbench.report.pages.series import ObjectSeries, series_of
from vosbench.report.pages.writer import OWN


def labels_from(base64_text, size):
    import base64

    lengths, labels = unpack(base64.b64decode(base64_text)).reshape(-1, 2).T
    return np.repeat(labels, lengths).reshape(size)


def test_label_maps_come_back():
    labels = np.zeros((30, 40), np.uint8)
    assert (labels_from(label_runs(labels), labels.shape) == 0).all()
    labels[10:20, 5:35], labels[0, 0], labels[-1, -1] = 3, VOID, 254
    assert np.array_equal(labels_from(label_runs(labels), labels.shape), labels)


def test_large_pictures_are_shrunk_and_labels_stay_labels():
    labels = np.zeros((480, 854), np.uint8)
    labels[100:200, 100:500] = 7
    small = shrink(labels)
    assert small.shape == shown_size(480, 854) == (270, 480)
    assert set(np.unique(small)) == {0, 7}
    assert shrink(np.zeros((1080, 1920, 3), np.uint8)).shape == (270, 480, 3)


def nameless(score):
    """As older records have it."""
    return replace(score, frame_names=())


def test_scores_stand_at_the_frames_that_the_protocol_scores(traced_run):
    records = [r for r in read_run(traced_run / "run") if r.sequence == "ant"]
    truth = open_dataset("davis2017", traced_run / "DAVIS", "val").truth("ant")
    series = series_of(records, [f"{t:05d}" for t in range(6)])
    assert [(one.object_id, one.frames) for one in series] == [(1, (1, 2, 3, 4)), (2, (1, 2, 3, 4))]
    older = [replace(r, scores=replace(r.scores, objects=tuple(map(nameless, r.scores.objects)))) for r in records]
    assert [one.frames for one in series_of(older, [], truth)] == [(1, 2, 3, 4)] * 2
    scores = records[0].scores.objects[0]
    assert np.allclose(series[0].jf("every-k:k=2"), (np.array(scores.j_per_frame) + scores.f_per_frame) / 2)
    alone = series_of(records)
    assert [(one.frames, list(one.places)) for one in alone] == [(None, [0, 1, 2, 3])] * 2


def test_moments_are_where_strategies_differ_most_and_where_the_best_is_lowest():
    j = {"a": np.array([0.9, 0.8, 0.1]), "b": np.array([0.9, 0.2, 0.2]), "c": np.array([1, 1, 1])}
    found = moments_of("dog", [ObjectSeries(4, 3, j, {}, (5, 6, 7))], ["a", "b"])
    differing, failing = found
    assert (differing.frame, differing.best, differing.worst, differing.gap) == (6, "a", "b", pytest.approx(0.6))
    assert (failing.frame, failing.best, failing.highest) == (7, "b", pytest.approx(0.2))
    assert differing.in_video
    other = moments_of("cat", [ObjectSeries(1, 2, {"a": np.array([0, 0.5]), "b": np.array([0, 0.5])}, {})], ["a", "b"])
    assert [moment.fails for moment in other] == [True]  # strategies that are equal differ nowhere
    assert chosen([*found, *other]) == ([differing], [*other, failing])
    good = ObjectSeries(2, 2, {"a": np.array([0.5, 0.9]), "b": np.array([0.2, 0.9])}, {})
    assert not any(moment.fails for moment in moments_of("cow", [good], ["a", "b"]))  # the best is not below 50


def test_every_strategy_can_be_the_baseline(traced_run):
    few = read_run(traced_run / "run")
    assert {told[3] for against in gains(few).values() for told in against.values()} == {None}  # of two sequences
    names = {record.sequence: number for number, record in enumerate(few)}
    records = [replace(r, sequence=f"{names[r.sequence]}{copy}") for r in few for copy in range(3)]
    found = gains(records)
    entrants = {entrant.label: entrant for entrant in select({"run": records}, [*found])}
    assert len(found) == len(entrants) == 5
    for baseline, told in found.items():
        others = [label for label in entrants if label != baseline]
        assert sorted(told) == sorted(others)
        for difference in differences([(entrants[baseline], entrants[label]) for label in others]):
            mean, low, high, p, mark = told[difference.entrant.label]
            assert mean == pytest.approx(100 * difference.mean, abs=1e-3)
            assert (low, high) == pytest.approx((100 * difference.low, 100 * difference.high), abs=1e-3)
            assert (p, mark) == (pytest.approx(difference.p, abs=1e-4), difference.mark)


def test_a_p_that_cannot_be_small_is_explained():
    assert too_few(2, 4) == "2 sequences are too few for a p."
    assert too_few(6, 2) == "No p can be below 0.05 here: 6 sequences are too few for 2 comparisons."
    assert too_few(6, 1) == too_few(8, 6) == ""


def test_references_are_marked_and_make_no_moment(traced_run, tmp_path, source):
    few = read_run(traced_run / "run")
    base = next(r.policy for r in few if r.policy.name == "latest-only")
    bound = replace(base, kind="reference")
    records = [replace(r, policy=bound) if r.policy == base else r for r in few]
    board = leaderboard(records, context(records))
    (row,) = [row for row in board.table.rows if row["strategy"] == base.label]
    assert (row["kind"], board.columns[0].show(row)) == ("reference", f"{base.label} (reference)")
    page = make_page(source(traced_run, records=tuple(r for r in records if r.sequence == "ant")))
    assert [one["kind"] for one in page.data["strategies"] if one["label"] == base.label] == ["reference"]
    assert all(base.label not in (m.best, m.worst) for m in page.moments)
    build({traced_run / "run": records}, tmp_path / "report", jobs=1)
    for data in ("data.js", "sequences/2/data.js"):  # of which every name on the pages is made
        assert f'{base.label} (reference)"]' in (tmp_path / "report" / data).read_text()
    assert f'title="{escape(base.label)} (reference)"' in (tmp_path / "report/index.html").read_text()


def test_the_papers_rows_stand_beside_their_data_alone(traced_run, run):
    records = read_run(traced_run / "run")
    rows = leaderboard(records, context(records)).table.rows
    papers = [row["strategy"] for row in rows if row["kind"] == "paper"]
    assert papers == ["every-5", "first-and-latest", "LFU (2 frames)"]
    for changed in ({"split": "train"}, {"name": "synthetic"}):
        others = [replace(r, dataset=replace(r.dataset, **changed)) for r in records]
        assert {row["kind"] for row in leaderboard(others, context(others)).table.rows} == {"strategy", "control"}
    board = leaderboard(run, context(run))
    low, high = board.span
    assert (board.place(low), board.place(high), board.place((low + high) / 2)) == (0, 100, 50)
    assert [board.shows(row["jf"]) for row in board.table.rows[:3]] == [True, True, False]  # a control lies below


def test_a_page_of_a_whole_run_lacks_nothing(traced_run, source):
    page = make_page(source(traced_run))
    assert page.notes == []
    assert page.data["shown"] == [0, 1, 2, 3, 4, 5]
    assert page.data["events"] == [{"frame": 0, "object": i, "what": "appears"} for i in (1, 2)]
    assert page.data["memory"]["every-k:k=2"]["written"] == (0, 2, 4)
    assert {name.removesuffix(".webp") for name in page.files} == set("012345")
    json.dumps(page.data)


def test_events_are_those_of_the_truth(traced_run, tmp_path, source):
    shutil.copytree(traced_run, tmp_path / "copy")
    masks = tmp_path / "copy/DAVIS/Annotations/480p/ant"
    from vosbench.images import read_labels, write_labels

    for frame in (2, 3):
        labels = read_labels(masks / f"0000{frame}.png")
        write_labels(masks / f"0000{frame}.png", np.where(labels == 2, 0, labels))
    older = tuple(replace(r, fingerprint="") for r in source(traced_run).records)  # of whichever files
    found = make_page(source(tmp_path / "copy", root=tmp_path / "copy/DAVIS", records=older)).data["events"]
    assert found[2:] == [{"frame": 2, "object": 2, "what": "hides"}, {"frame": 4, "object": 2, "what": "returns"}]


def test_of_a_long_video_some_frames_are_shown(traced_run, monkeypatch, source):
    monkeypatch.setattr(scrubber, "BUDGET", 1000)
    page = make_page(source(traced_run))
    shown = page.data["shown"]
    assert 1 < len(shown) < 6
    assert {m.frame for m in page.moments} <= set(shown)  # to which the gallery leads
    whole = MemoryTrace.read(source(traced_run).traces["random:capacity=1.5,every=1"])
    states = [held.copy() for held in whole.held()]
    seen = whole.at(shown)
    assert seen.frames == len(shown)
    held = np.zeros(6 * 12, int)
    for frame, (gone, come) in zip(shown, seen.events(), strict=True):
        np.subtract.at(held, gone, 1)
        np.add.at(held, come, 1)
        assert (held == states[frame].ravel()).all()


def test_a_folder_that_is_no_report_is_left_alone(traced_run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(VosbenchError, match="holds something else than a report"):
        build({traced_run / "run": read_run(traced_run / "run")}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def linked(report):
    """The files that all pages of a report name."""
    found = set()
    for page in report.rglob("*.html"):
        names = re.findall(r'\b(?:href|src)="(?!data:)([^"#]+)', page.read_text())
        found |= {page.parent / unquote(unescape(name)) for name in names}
    assert {"figures", "sequences", "assets"} <= {part for path in found for part in path.parts}
    return found


def test_several_runs_are_compared(traced_run, tmp_path):
    shutil.copytree(traced_run / "run", tmp_path / "again")
    for path in (tmp_path / "again").glob("records/*/ant.json"):
        record = read_record(path)
        write_record(path, replace(record, dataset=replace(record.dataset, sequences=3)))
    both = {one: read_run(one) for one in (traced_run / "run", tmp_path / "again")}
    first = build(both, tmp_path / "report", policies=("every-k:k=2",), jobs=1)
    html = first.read_text()
    assert "PARTIAL" in html
    assert "There is no figure of all runs together: all runs are of the split val" in html
    assert html.count(">every-k:k=2</td>") == 2  # the table of differences
    assert HOSTILE not in (tmp_path / "report/run-1/index.html").read_text()
    assert (tmp_path / "report/run-2/sequences/2.html").is_file()
    assert all(any(path.match(name) for name in OWN) for path in (tmp_path / "report").iterdir())
    shutil.copytree(traced_run / "run", tmp_path / "other/run")
    alike = {one: read_run(one) for one in (traced_run / "run", tmp_path / "other/run")}
    html = build(alike, tmp_path / "report", policies=("every-k:k=2",), jobs=1).read_text()
    assert html.count(f">{traced_run / 'run'}<") == html.count(f">{tmp_path / 'other/run'}<") == 2  # not both `run`
    assert len(targets := linked(tmp_path / "report")) > 10
    assert [target for target in targets if not target.is_file()] == []
    both.popitem()
    build(both, tmp_path / "report", policies=("every-k:k=2",), jobs=1)  # takes its place
    assert not (tmp_path / "report/run-1").exists()


def test_why_there_are_no_figures_is_said(traced_run, tmp_path, monkeypatch):
    from vosbench.report.drawing import style

    monkeypatch.setattr(style, "MAX_STRATEGIES", 2)
    build({traced_run / "run": read_run(traced_run / "run")}, tmp_path / "report", jobs=1)
    html = (tmp_path / "report/index.html").read_text()
    assert "There are no figures: 3 strategies cannot be told apart, choose up to 2 of them." in html
    assert "2 sequences are too few for a p." in html
    assert html.count('class="beyond"') == 1  # a control stands below the scale
