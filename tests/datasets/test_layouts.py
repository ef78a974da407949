"""Every layout from frames to table and zip: it is sound, a run gives masks and scores, and a server gets its names."""

import zipfile
from pathlib import Path

import pytest
from layouts import WRITERS

from vosbench.bench.record import read_run
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.datasets import DATASETS, open_dataset
from vosbench.errors import VosbenchError
from vosbench.masks.export import UnfitMasksError, export
from vosbench.metrics.protocols import PROTOCOLS
from vosbench.report.tables import strategy

pytestmark = pytest.mark.usefixtures("lent_pool")
# data set, split with ground truth, objects of the first sequence, how many masks are written of it
SCORED = [
    ("lvos-v1", "val", {2, 7}, 12),
    ("lvos-v2", "valid", {2, 7}, 12),
    ("mose-v1", "train", {1, 3}, 6),
    ("mose-v2", "train", {1, 3}, 6),
    ("sav", "val", {1, 2, 3}, 6),
    ("vost", "val", {1, 2}, 6),
    ("visor", "val", {1, 2}, 3),
    ("longvideo", "x1", {1, 2}, 12),
]
PRIVATE = [("lvos-v1", "test", "Annotations/", 12), ("lvos-v2", "test", "Annotations/", 12)]
PRIVATE += [("mose-v1", "valid", "", 6), ("mose-v2", "valid", "", 6)]


def segmented(name: str, root: Path, split: str, out: Path) -> Path:
    """The folder of a run of one strategy at a tiny size."""
    suite = Suite(name, root, split=split, policies=("first-only",), controls=False, shorter_side=32)
    run(suite, out)
    return out


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_tidy_folder_is_sound(name: str, tmp_path: Path) -> None:
    root = WRITERS[name](tmp_path / "data")
    assert name in DATASETS.names()
    splits = {split for one, split, *_ in (*SCORED, *PRIVATE) if one == name}
    for split in splits:
        dataset = open_dataset(name, root, split)
        assert dataset.problems() == []
        assert dataset.default_protocol in PROTOCOLS.names()


@pytest.mark.parametrize(("name", "split", "objects", "masks"), SCORED, ids=[one[0] for one in SCORED])
def test_from_frames_to_table(name: str, split: str, objects: set[int], masks: int, tmp_path: Path) -> None:
    folder = segmented(name, WRITERS[name](tmp_path / "data"), split, tmp_path / "run")
    records = read_run(folder)
    assert len(records) == len(open_dataset(name, tmp_path / "data", split).sequence_names())
    assert {o.object_id for o in records[0].scores.objects} == objects
    assert len(list((folder / "masks/first-only" / records[0].sequence).iterdir())) == masks
    assert records[0].scores.protocol.startswith(f"{DATASETS.find(name).default_protocol}/")
    assert records[0].attributes == open_dataset(name, tmp_path / "data", split).attributes(records[0].sequence)
    (row,) = strategy.table(records).rows
    assert 0 < row["j_mean"] <= 1


@pytest.mark.parametrize(("name", "split", "place", "masks"), PRIVATE, ids=[one[0] for one in PRIVATE])
def test_from_frames_to_zip(name: str, split: str, place: str, masks: int, tmp_path: Path) -> None:
    root = WRITERS[name](tmp_path / "data")
    folder = segmented(name, root, split, tmp_path / "run")
    records = read_run(folder)
    assert all(record.scores is None and record.memory for record in records)
    assert any(record.timings for record in records)
    predicted, dataset = folder / "masks/first-only", open_dataset(name, root, split)
    assert export(predicted, dataset, tmp_path / "out.zip") == 2 * masks
    frames = [frame.name for frame in dataset.sequence("ant").frames]
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert packed.namelist() == [f"{place}{video}/{frame}.png" for video in ("ant", "bee") for frame in frames]
    (predicted / "ant" / f"{frames[3]}.png").unlink()
    with pytest.raises(UnfitMasksError, match=f"lacks 1 of {masks} masks: frames {frames[3]}"):
        export(predicted, dataset, tmp_path / "out.zip")
    with pytest.raises(VosbenchError, match=f"the ground truth of {name} {split} is private"):
        dataset.truth("ant")
