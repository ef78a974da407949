"""A sequence that is faulty leaves records that say so, and the rest goes on."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from vosbench.bench.plan import Plan
from vosbench.bench.record import read_run
from vosbench.bench.runner import run
from vosbench.errors import VosbenchError
from vosbench.report.tables import latency, object, sequence, strategy

pytestmark = pytest.mark.usefixtures("lent_pool")


def cut(path: Path) -> Callable[[], object]:
    """Break a picture; the result mends it."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return lambda: path.write_bytes(whole)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda root: cut(root / "JPEGImages/480p/bee/00004.jpg"), r"bee.00004\.jpg is truncated"),
        (lambda root: cut(root / "JPEGImages/480p/bee/00001.jpg"), r"bee.00001\.jpg is truncated"),  # in the warm-up
        (lambda root: cut(root / "Annotations/480p/bee/00000.png"), r"bee.00000\.png is not a readable PNG"),
        (lambda root: (root / "Annotations/480p/bee/00003.png").unlink(), "lacks the masks of frames 00003"),
        (lambda root: (root / "JPEGImages/480p/bee").rename(root / "wasp"), "bee of davis2017 val is absent"),
    ],
    ids=["a frame", "an early frame", "the first mask", "a missing mask", "no frames"],
)
@pytest.mark.parametrize("order", ["ant\nbee\n", "bee\nant\n"])
def test_the_rest_goes_on(small_davis, small_suite, tmp_path, work, finished_run, spoil, reason, order):
    (small_davis / "ImageSets/2017/val.txt").write_text(order)
    spoil(small_davis)
    records = run(small_suite(small_davis, repeats=2), tmp_path / "run", work)
    assert sorted(read_run(tmp_path / "run"), key=lambda r: r.identity) == sorted(records, key=lambda r: r.identity)
    assert len(records) == 8
    for record in records:
        if record.sequence == "bee":
            assert record.failure.cause == "sequence"
            assert re.search(reason, record.failure.reason)
            assert "\n" not in record.failure.reason
    assert {(r.policy.spec, r.sequence) for r in records if r.scores} == work == {(s, "ant") for s, _ in work}
    assert not (tmp_path / "run/masks/first-only/bee").exists()
    sound = {r.policy.spec: r.scores for r in read_run(finished_run / "run") if r.sequence == "ant"}
    assert {r.policy.spec: r.scores for r in records if r.scores} == sound
    for table in (strategy, sequence, object, latency):
        made = table.table(records)
        assert "PARTIAL (faulty: bee); 1 sequence, 2 objects" in made.caption
        assert "bee" not in {row.get("sequence") for row in made.rows}
    assert {row["kind"] for row in strategy.table(records).rows} == {"strategy", "control"}


def test_what_was_done_is_not_done_again_and_what_is_faulty_is_tried_again(small_davis, small_suite, tmp_path, work):
    mend = cut(small_davis / "JPEGImages/480p/bee/00004.jpg")
    run(small_suite(small_davis), tmp_path / "run", work)
    assert {name for _, name in work} == {"ant"}
    work.clear()
    assert sum(r.failure is not None for r in run(small_suite(small_davis), tmp_path / "run", work)) == 4
    assert not work
    mend()
    records = run(small_suite(small_davis), tmp_path / "run", work)
    assert all(r.scores for r in records)
    assert {name for _, name in work} == {"bee"}  # which was repaired


def test_broken_ground_truth_leaves_masks_times_and_no_scores(small_davis, small_suite, tmp_path, work):
    mend = cut(small_davis / "Annotations/480p/bee/00003.png")
    records = run(small_suite(small_davis, timing="all"), tmp_path / "run", work)
    unscored = [r for r in records if r.sequence == "bee"]
    assert all(r.masks and not r.scores and not r.failure for r in unscored)
    assert all("00003.png is not a readable PNG" in r.unscored for r in unscored)
    assert [len(r.timings) for r in unscored] == [1, 1, 0, 0]
    made = strategy.table(records)
    assert "PARTIAL (not scored: bee); 2 sequences, 2 objects" in made.caption
    assert made.rows[0]["jf"] == strategy.table([r for r in records if r.sequence == "ant"]).rows[0]["jf"]
    assert len(work) == 8
    work.clear()
    path = small_davis / "Annotations/480p/bee/00003.png"
    spoiled, stamp = path.read_bytes(), path.stat()
    todo = Plan(small_suite(small_davis, timing="all"), tmp_path / "run")
    mend()  # what was scored in vain is scored again, and nothing is inferred
    from vosbench.bench.runner import execute

    assert all(r.scores for r in execute(todo, work))
    assert not work
    assert spoiled != path.read_bytes()
    assert stamp.st_size < path.stat().st_size


def test_no_sound_sequence_is_an_error_before_the_first_frame(small_davis, small_suite, tmp_path, work):
    for name in ("ant", "bee"):
        (small_davis / f"Annotations/480p/{name}/00000.png").unlink()
    with pytest.raises(VosbenchError, match=r"first frame's mask .*ant.00000\.png does not exist; faulty too: bee"):
        run(small_suite(small_davis), tmp_path / "run", work)
    assert not work
    assert not (tmp_path / "run").exists()


def test_every_frame_list_may_be_faulty_from_the_first_frame_on(small_davis, small_suite, tmp_path):
    for name in ("ant", "bee"):
        cut(small_davis / f"JPEGImages/480p/{name}/00002.jpg")
    records = run(small_suite(small_davis), tmp_path / "run")
    assert {r.failure.cause for r in records} == {"sequence"}
    with pytest.raises(VosbenchError, match="no sequence has a result of every strategy: faulty: ant, bee"):
        strategy.table(records)
