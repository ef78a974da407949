"""The order of clips: complete epochs, the same from any step on, shared out among processes; faults come through."""

import multiprocessing
import os
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import torch
from spoiling import relabel

from vosbench.errors import VosbenchError
from vosbench.training.mixture import Mixture, batches, open_source, shares


@dataclass(frozen=True)
class Told:
    """A source whose clips tell what was asked of it: rgb holds its name and the item, labels a random number."""

    name: int
    items: int
    faulty: int = -1

    def __len__(self) -> int:
        return self.items

    def draw(self, item, rng, done):
        assert 0 <= done < 1
        if item == self.faulty:
            raise VosbenchError("frame x.jpg is truncated", "copy the file again")
        rgb = np.full((3, 4, 4, 3), [self.name, item, round(100 * done)], np.uint8)
        return rgb, rng.integers(0, 256, (3, 4, 4)).astype(np.uint8)


MIXTURE = Mixture(((Told(1, 3), 5), (Told(2, 4), 1)), total=57, seed=7)


def told(clip) -> tuple[int, int]:
    return int(clip[0][0, 0, 0, 0]), int(clip[0][0, 1, 0, 0])


def test_an_epoch_visits_every_item_as_often_as_it_is_repeated():
    expected = Counter({(1, item): 5 for item in range(3)} | {(2, item): 1 for item in range(4)})
    epochs = [[told(MIXTURE[number]) for number in range(start, start + 19)] for start in (0, 19, 38)]
    assert [Counter(epoch) for epoch in epochs] == [expected] * 3
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_clip_is_determined_by_seed_and_number():
    rgb, labels = MIXTURE[30]
    assert (rgb.shape, labels.shape) == ((3, 3, 4, 4), (3, 4, 4))
    assert rgb[0, 2, 0, 0] == round(100 * 30 / 57)
    again = Mixture(MIXTURE.sources, MIXTURE.total, 7)[30]
    assert torch.equal(rgb, again[0])
    assert torch.equal(labels, again[1])
    assert not torch.equal(labels, Mixture(MIXTURE.sources, MIXTURE.total, 8)[30][1])
    assert not torch.equal(labels, MIXTURE[31][1])


@pytest.mark.parametrize("first", [0, 3])
def test_processes_share_every_batch(first):
    whole = list(shares(first, 5, 6))
    assert len(whole) == 5 - first
    parts = [list(shares(first, 5, 2, rank, 3)) for rank in range(3)]
    assert [a + b + c for a, b, c in zip(*parts, strict=True)] == whole
    assert [number for numbers in whole for number in numbers] == list(range(6 * first, 30))


def test_more_workers_than_cores_are_no_warning(recwarn):
    with closing(batches(MIXTURE, shares(0, 1, 2), len(os.sched_getaffinity(0)) + 1, pin=False)) as drawn:
        assert next(drawn)[0].shape == (2, 3, 3, 4, 4)
    told = [str(one.message) for one in recwarn if one.category is not DeprecationWarning]  # that is Python's, of forks
    assert told == []


def test_an_epoch_that_no_memory_holds_is_refused(small_config, pairs):
    from vosbench.training.config import GeneratedData, StaticData

    often = (GeneratedData(), StaticData(str(pairs), repeat=10**9))
    with pytest.raises(VosbenchError, match=r"data\[1\]\.repeat is 1000000000, .* 3,000,001,000 clips") as caught:
        Mixture.open(replace(small_config, data=often))
    assert "lower repeat" in caught.value.hint
    with pytest.raises(VosbenchError, match=r"data\[0\]\.clips is 1000000000, "):
        Mixture.open(replace(small_config, data=(GeneratedData(clips=10**9),)))
    weighed = tuple(replace(data, weight=0.5) for data in often)
    assert Mixture.open(replace(small_config, data=weighed))[3]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches(workers):
    found = list(batches(MIXTURE, shares(4, 7, 4), workers, pin=False))
    assert len(found) == 3
    for numbers, (rgb, labels) in zip(shares(4, 7, 4), found, strict=True):
        assert torch.equal(rgb, torch.stack([MIXTURE[number][0] for number in numbers]))
        assert torch.equal(labels, torch.stack([MIXTURE[number][1] for number in numbers]))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_faulty_file_is_one_line_also_out_of_a_worker(workers):
    mixture = Mixture(((Told(1, 3, faulty=2), 1),), total=12, seed=0)
    before = set(multiprocessing.active_children())
    with pytest.raises(VosbenchError) as caught:
        list(batches(mixture, shares(0, 6, 2), workers, pin=False))
    assert (caught.value.message, caught.value.hint) == ("frame x.jpg is truncated", "copy the file again")
    assert (
        set(multiprocessing.active_children()) <= before
    )  # they heed no signal: Python would wait for them at its end


def test_sources_of_a_configuration(small_config, small_davis, pairs):
    from vosbench.training.config import GeneratedData, StaticData, VideoData

    video = VideoData("davis2017", str(small_davis), split="val", sequences=("bee",), repeat=4)
    for data, length in ((GeneratedData(clips=7), 7), (StaticData(str(pairs)), 3), (video, 1)):
        source = open_source(data, small_config)
        assert len(source) == length
        rgb, labels = source.draw(0, np.random.default_rng(0), 0.2)
        assert (rgb.shape, labels.shape) == ((3, 32, 32, 3), (3, 32, 32))
    relabel(small_davis / "Annotations/480p/bee/00003.png", lambda labels: cv2.GaussianBlur(100 * labels, (5, 5), 0))
    draws = [(open_source(replace(video, trust_masks=trusted), small_config), trusted) for trusted in (False, True)]
    for source, trusted in draws:
        with nullcontext() if trusted else pytest.raises(VosbenchError, match="anti-aliased"):
            for item in range(30):
                source.draw(0, np.random.default_rng(item), 0.2)
    with pytest.raises(VosbenchError, match="unknown sequence 'wasp'"):
        open_source(VideoData("davis2017", str(small_davis), split="val", sequences=("wasp",)), small_config)


def test_weights_say_how_often_a_source_is_drawn():
    mixture = Mixture(MIXTURE.sources, 4000, 7, weights=(3.0, 1.0))
    counts = Counter(told(mixture[number]) for number in range(0, 4000, 4))
    assert sum(n for (source, _), n in counts.items() if source == 1) == pytest.approx(750, abs=45)
    assert set(counts) == {(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3)}
    assert max(n for (source, _), n in counts.items() if source == 1) < 1.3 * 250
    again = Mixture(MIXTURE.sources, 4000, 7, weights=(3.0, 1.0))
    for number in (8, 3, 999):  # in any order, from any step on
        assert torch.equal(mixture[number][1], again[number][1])
        assert told(mixture[number]) == told(again[number])


def test_weights_come_from_the_configuration(small_config, pairs):
    from vosbench.training.config import GeneratedData, StaticData

    data = (GeneratedData(weight=0.1), StaticData(str(pairs), weight=0.4))
    assert Mixture.open(replace(small_config, data=data)).weights == (0.1, 0.4)
    assert Mixture.open(small_config).weights == ()
