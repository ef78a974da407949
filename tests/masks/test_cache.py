"""Unchanged masks are never decoded twice, and nothing that changes a score is ever missed."""

import errno
import os
import shutil
from dataclasses import fields, replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from vosbench.datasets.folder import Folder
from vosbench.datasets.label_pngs import binary_pngs, label_pngs
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks import cache as score_cache
from vosbench.masks.score import score
from vosbench.metrics.protocols import PROTOCOLS, find_protocol
from vosbench.video import ObjectSpan


def labels(frame, shift=0):
    mask = np.zeros((20, 30), np.uint8)
    mask[3 + frame : 9 + frame, 5 + shift : 14 + shift] = 1
    return mask


@pytest.fixture
def pair(tmp_path):
    """Sequences `ant` and `bee` of eight frames with one object; predictions one pixel off, which lack the first."""
    for sequence in ("ant", "bee"):
        for kind, shift, frames in (("truth/Annotations", 0, range(8)), ("masks", 1, range(1, 8))):
            (tmp_path / kind / sequence).mkdir(parents=True)
            for frame in frames:
                write_labels(tmp_path / kind / sequence / f"{frame:05d}.png", labels(frame, shift))
    return Folder(tmp_path / "truth"), tmp_path / "masks"


@pytest.fixture
def computed(monkeypatch):
    """The sequences that are scored rather than looked up, as they are."""
    found = []
    score_frames = import_module("vosbench.masks.score").score_or_fault

    def counted(planned, sources):
        found.append(planned.sequence)
        return score_frames(planned, sources)

    monkeypatch.setattr("vosbench.masks.score.score_or_fault", counted)
    return found


@pytest.fixture
def rescore(pair, tmp_path, computed):
    """Score with the cache; returns the scores and which sequences were computed."""
    truth, masks = pair

    def call(protocol="davis2017", dataset=truth):
        computed.clear()
        scores = score(masks, dataset, protocol, jobs=1, cache=tmp_path / "scores")
        return scores, list(computed)

    return call


def same(first, second):
    assert first.objects == second.objects
    assert (first.protocol, first.partial) == (second.protocol, second.partial)
    for one, other in zip(first.traces, second.traces, strict=True):
        assert (one.sequence, one.object_id, one.frames) == (other.sequence, other.object_id, other.frames)
        for name in ("j", "f", "pixels"):
            assert getattr(one, name).dtype == getattr(other, name).dtype
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_equal((one.extra, one.unseen), (other.extra, other.unseen))


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_what_comes_from_the_cache_is_what_was_computed(rescore, pair, tmp_path, protocol):
    if protocol == "davis2017-unsupervised":  # scores the first frame too
        for sequence in ("ant", "bee"):
            write_labels(tmp_path / "masks" / sequence / "00000.png", labels(0, 1))
    truth, masks = pair
    first, computed = rescore(protocol)
    assert computed == ["ant", "bee"]
    second, computed = rescore(protocol)
    assert computed == []
    same(first, second)
    same(first, score(masks, truth, protocol, jobs=1))


@pytest.mark.parametrize("kind", ["truth/Annotations", "masks"])
@pytest.mark.parametrize("frame", [1, 3, 7])
def test_a_changed_mask_is_never_missed(rescore, tmp_path, kind, frame):
    """Not even one of the same size and times, in the same file."""
    before, _ = rescore()
    path = tmp_path / kind / "bee" / f"{frame:05d}.png"
    times = path.stat()
    path.write_bytes((tmp_path / kind / "bee" / f"{(frame + 1) % 5 + 1:05d}.png").read_bytes())
    with path.open("ab") as file:
        file.write(b"\0" * max(0, times.st_size - path.stat().st_size))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after, computed = rescore()
    assert computed == ["bee"]
    assert (after.objects != before.objects) == (frame < 7)  # the last frame is not scored


def test_what_a_meta_file_says_of_the_objects_counts(pair):
    truth, masks, rules = pair[0].truth("bee"), label_pngs(pair[1] / "bee"), find_protocol("davis2017")
    told = [
        {},
        {"spans": {1: ObjectSpan(0, 5, 5)}},
        {"spans": {1: ObjectSpan(0, 5, 6)}},
        {"unseen": ()},
        {"listed": ()},
    ]
    told += [{"unseen": (1,)}, {"spans": {1: ObjectSpan(0, 5, 5), 2: ObjectSpan(0, 5, 5)}}]
    assert len({score_cache.key(replace(truth, **one), masks, rules) for one in told}) == len(told)


def test_every_bit_of_every_file_counts(pair):
    truth, masks = pair
    rules = find_protocol("davis2017")
    known = {score_cache.key(truth.truth("bee"), label_pngs(masks / "bee"), rules)}
    for path in (truth.mask_folder("bee") / "00002.png", masks / "bee" / "00002.png"):
        sound = path.read_bytes()
        for place in range(0, len(sound), 7):
            path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
            known.add(score_cache.key(truth.truth("bee"), label_pngs(masks / "bee"), rules))
        path.write_bytes(sound)
    assert len(known) == 1 + sum(
        len(range(0, path.stat().st_size, 7))
        for path in (truth.mask_folder("bee") / "00002.png", masks / "bee" / "00002.png")
    )
    assert score_cache.key(truth.truth("bee"), label_pngs(masks / "bee"), rules) in known


def test_a_mask_that_goes_missing_is_an_error_as_ever(rescore, tmp_path):
    rescore()
    (tmp_path / "masks" / "bee" / "00003.png").unlink()
    with pytest.raises(VosbenchError, match=r"bee.00003\.png does not exist"):
        rescore()


def test_added_frames_count(rescore, pair):
    rescore()
    for folder in (pair[0].mask_folder("bee"), pair[1] / "bee"):
        shutil.copy(folder / "00007.png", folder / "00008.png")
    scores, computed = rescore()
    assert computed == ["bee"]
    assert scores.objects[1].frames == 7


@pytest.mark.parametrize("field", [f.name for f in fields(find_protocol("davis2017"))])
def test_every_field_of_a_protocol_counts(pair, field):
    truth, masks = pair
    rules = find_protocol("davis2017")
    value = getattr(rules, field)
    other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int | float) else f"{value}'"
    predicted = label_pngs(masks / "bee")
    keys = {score_cache.key(truth.truth("bee"), predicted, r) for r in (rules, replace(rules, **{field: other}))}
    assert len(keys) == 2


def test_name_reading_and_code_count(pair, monkeypatch):
    truth, masks = pair
    rules, bee, predicted = find_protocol("davis2017"), truth.truth("bee"), label_pngs(masks / "bee")
    others = replace(bee, masks=binary_pngs(truth.mask_folder("bee"))), replace(bee, sequence="cat")
    known = {score_cache.key(t, predicted, rules) for t in (bee, *others)}
    monkeypatch.setattr(score_cache, "source_hash", lambda *_: "another")
    assert len(known | {score_cache.key(bee, predicted, rules)}) == 4


@pytest.mark.parametrize("how", ["empty", "cut", "bit", "another's", "folder"])
def test_a_damaged_entry_is_ignored_and_written_again(rescore, tmp_path, how):
    before, _ = rescore()
    first, second = sorted((tmp_path / "scores").iterdir())
    sound = first.read_bytes()
    if how == "empty":
        first.write_bytes(b"")
    elif how == "cut":
        first.write_bytes(sound[:-20])
    elif how == "bit":
        place = sound.index(b"0.")
        first.write_bytes(sound[:place] + b"1" + sound[place + 1 :])
    elif how == "another's":
        shutil.copy(second, first)
    else:
        first.unlink()
        first.mkdir()
        with pytest.warns(UserWarning, match="cannot write cached scores"):
            rescore()
        first.rmdir()
    after, computed = rescore()
    assert len(computed) == 1
    same(before, after)
    assert first.read_bytes() == sound
    assert rescore()[1] == []


def test_a_mask_that_is_written_while_it_is_scored_is_not_kept(rescore, tmp_path, monkeypatch):
    frames = import_module("vosbench.masks.score").score_or_fault

    def meddle(*arguments):
        found = frames(*arguments)
        write_labels(tmp_path / "masks" / "bee" / "00002.png", labels(2, 3))
        return found

    with monkeypatch.context() as patched:
        patched.setattr("vosbench.masks.score.score_or_fault", meddle)
        rescore()
    assert rescore()[1] == ["bee"]


def test_scores_of_sequences_before_a_fault_are_kept(rescore, tmp_path):
    path = tmp_path / "masks" / "bee" / "00003.png"
    sound = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(VosbenchError, match="not a readable PNG"):
        rescore()
    path.write_bytes(sound)
    assert rescore()[1] == ["bee"]


def test_a_choice_of_sequences_shares_entries_with_all(rescore, pair):
    assert rescore(dataset=pair[0].only(["bee"]))[1] == ["bee"]
    assert rescore()[1] == ["ant"]


def test_a_full_disk_costs_a_warning_and_leaves_nothing(rescore, tmp_path, monkeypatch):
    def full(path, _data):
        path.open("w").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(UserWarning, match="No space left on device: the next run will score these masks again"):
        scores, _ = rescore()
    assert len(scores.objects) == 2
    assert list((tmp_path / "scores").iterdir()) == []


@pytest.fixture
def kept(tmp_path):
    """Five entries of 100 bytes, named by one digit each, the second the oldest and the first the latest used."""
    folder = tmp_path / "kept"
    folder.mkdir()
    for digit, used in zip("abcde", (50, 10, 20, 30, 40), strict=True):
        (folder / (40 * digit)).write_bytes(bytes(100))
        os.utime(folder / (40 * digit), (used, used))
    return folder


@pytest.mark.parametrize(
    ("most_bytes", "left"), [(500, "abcde"), (499, "acde"), (300, "ade"), (299, "ae"), (100, "a"), (0, "")]
)
def test_the_least_recently_used_leave(kept, most_bytes, left):
    score_cache.prune(kept, most_bytes)
    assert sorted(path.name[0] for path in kept.iterdir()) == list(left)


def test_only_entries_are_deleted(kept):
    others = [kept / "notes.txt", kept / ("A" * 40), kept / f".{'a' * 40}.1.tmp", kept / ("a" * 41)]
    for path in others:
        path.write_bytes(bytes(1000))
        os.utime(path, (1, 1))
    (kept / ("f" * 40)).mkdir()  # cannot be deleted as a file
    score_cache.prune(kept, 0)
    assert sorted(kept.iterdir()) == sorted([*others, kept / ("f" * 40)])
    score_cache.prune(kept / "absent", 0)


def test_a_run_prunes_and_looking_up_is_using(rescore, pair, tmp_path, monkeypatch):
    bee, ant = (pair[0].only([name]) for name in ("bee", "ant"))
    before, _ = rescore(dataset=bee)
    (entry,) = (tmp_path / "scores").iterdir()
    os.utime(entry, (1, 1))
    rescore("davis2016", dataset=bee)
    other = next(path for path in (tmp_path / "scores").iterdir() if path != entry)
    os.utime(other, (2, 2))
    assert rescore(dataset=bee)[1] == []  # from now on the older one is the latest used
    limit = sum(path.stat().st_size for path in (tmp_path / "scores").iterdir())
    monkeypatch.setattr(score_cache.prune, "__defaults__", (limit,))
    assert rescore(dataset=ant)[1] == ["ant"]
    assert entry.exists()
    assert not other.exists()
    same(rescore(dataset=bee)[0], before)


def test_what_cannot_be_scored_does_not_spoil_what_is_kept(pair, rescore):
    truth, masks = pair
    for folder in (truth.root / "Annotations/cow", masks / "cow"):  # one mask: nothing to score
        folder.mkdir()
        write_labels(folder / "00000.png", labels(0, 0))
    both = [rescore("folder", Folder(truth.root)) for _ in range(2)]
    assert [computed for _, computed in both] == [["ant", "bee"], []]
    assert both[0][0].objects == both[1][0].objects
    assert [list(scores.unscored) for scores, _ in both] == [["cow"], ["cow"]]
