"""Several strategies through a video together give what each gives alone; the frames are read and encoded once."""

from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import toy_network
from arrays import true_masks
from vosbench.policies.every_k import EveryK

from vosbench.errors import PolicyError, SequenceError
from vosbench.inference import lockstep, propagate, reader
from vosbench.memory.spec import load_policy
from vosbench.models import geometry
from vosbench.models.checkpoint import load_model
from vosbench.models.stcn.decoder import Decoder
from vosbench.models.stcn.network import STCN
from vosbench.video import FrameRef, Sequence

SPECS = (  # bounded and not, wrapped, by chance, with a readout of its own, references
    *("every-k:k=3", "lfu:every=1", "random:capacity=2,every=1", "xmem:every=1,min_frames=2,max_frames=4,prototypes=4"),
    *("gated:base=lfu(capacity=2,every=2)", "afb", "object-lfu:every=2", "offline:every=2", "oracle-masks"),
)


@pytest.fixture
def clip(small_clip):
    """Object 2 from frame 1, object 1 from frame 6."""
    rgb, labels = small_clip
    return Sequence.from_arrays(rgb, {1: labels[1] * (labels[1] == 2), 6: labels[6]})


@pytest.fixture
def truth(small_clip):
    return true_masks(small_clip[1])


@pytest.fixture
def batched(monkeypatch):
    """The driver as on a GPU."""

    class Batching(lockstep.Driver):
        def __init__(self, device, room, sessions):
            super().__init__(device, room, sessions)
            self.at_once, self._compares = sessions, False

    monkeypatch.setattr(propagate, "Driver", Batching)


def together(model, clip, specs, truth=None, **options):
    """What is predicted under each strategy, and the error that ended it, if any."""
    found = [[] for _ in specs]
    for frame in propagate.propagate_together(model, clip, [load_policy(s) for s in specs], truth=truth, **options):
        for place, result in frame.items():
            found[place].append(result)
    return found


@pytest.mark.parametrize("network", ["stcn", "toy"])
def test_what_is_predicted_together_is_what_is_predicted_alone(small_model, clip, truth, network):
    model = small_model if network == "stcn" else load_model(toy_network.__file__)
    for spec, found in zip(SPECS, together(model, clip, SPECS, truth), strict=True):
        alone = list(propagate.propagate(model, clip, load_policy(spec), truth=truth))
        for one, other in zip(alone, found, strict=True):
            assert (one.mask == other.mask).all(), spec
            assert torch.equal(one.prob, other.prob), spec
            assert (one.timing.tokens, one.timing.memory_bytes) == (other.timing.tokens, other.timing.memory_bytes)
            assert one.timing.stages
            assert not other.timing.stages


@pytest.mark.usefixtures("batched")
@pytest.mark.parametrize("network", ["stcn", "toy"])
def test_a_batch_of_strategies_is_equal_up_to_rounding(small_model, clip, truth, network):
    model = small_model if network == "stcn" else load_model(toy_network.__file__)
    specs = ("every-k:k=3", "latest-only", "lfu:every=1", "oracle-masks")
    for spec, found in zip(specs, together(model, clip, specs, truth), strict=True):
        for one, other in zip(propagate.propagate(model, clip, load_policy(spec), truth=truth), found, strict=True):
            assert torch.allclose(one.prob, other.prob, atol=1e-4), spec


def test_what_depends_on_the_frames_alone_is_done_once(small_model, clip, monkeypatch):
    calls = Counter()

    def counted(name, act):
        def counting(*arguments):
            calls[name] += 1
            return act(*arguments)

        return counting

    monkeypatch.setattr(reader, "loaded", counted("load", reader.loaded))
    for name in ("encode_key", "object_values"):
        monkeypatch.setattr(STCN, name, counted(name, getattr(STCN, name)))
    for name in ("forward", "of_frame"):
        monkeypatch.setattr(Decoder, name, counted(name, getattr(Decoder, name)))
    together(small_model, clip, ("latest-only", "first-only", "every-k:k=9"))
    assert calls["load"] == 23
    assert calls["encode_key"] == 22  # an object comes in frame 1, another in frame 6
    assert calls["of_frame"] == 21
    assert calls["forward"] == 1 + 2 * 13 + 3 * 7  # alike: all in 2, two up to 15, none after it
    assert calls["object_values"] == 1 + 20 + 1 + 1  # 1 under all; 2 to 21 under latest-only; 6 under both others; 15
    calls.clear()
    together(small_model, clip, ("every-k", "every-k:k=5"))
    assert calls["forward"] == calls["of_frame"] == 21


@dataclass
class Breaking(EveryK):
    """Does something wrong in frame 9."""

    how: str = "contract"

    def observe(self, match):
        super().observe(match)
        if match.frame == 9:
            if self.how == "contract":
                self.bank.free(torch.tensor([10_000]))
            raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(("how", "error"), [("contract", PolicyError), ("memory", torch.OutOfMemoryError)])
def test_one_that_fails_leaves_the_others(small_model, clip, how, error):
    policies = [load_policy("every-k"), Breaking(how=how), load_policy("lfu")]
    frames = list(propagate.propagate_together(small_model, clip, policies))
    assert [[*frame] for frame in frames] == [[0, 1, 2]] * 10 + [[0, 2]] * 13
    assert isinstance(frames[9][1], error)
    for place, spec in ((0, "every-k"), (2, "lfu")):
        alone = propagate.propagate(small_model, clip, load_policy(spec))
        assert all((one.mask == frame[place].mask).all() for one, frame in zip(alone, frames, strict=True))


def test_where_all_together_take_too_much_the_largest_goes(small_model, clip, monkeypatch):
    """Of three quarters of the limit a frame takes 3.15 MB, five times the probabilities of two objects 184 KB, one
    frame more of each 13 KB, and 51 KB pass; tokens of every frame take 49 KB in the end, and twice that in growth.
    """
    monkeypatch.setattr(geometry, "PIXELS", ContextVar("PIXELS", default=1))  # in the same parts, which round alike
    specs = ("first-only", "every-k:k=1", "every-k:k=2", "every-k:k=3", "latest-only")
    found = dict(zip(specs, together(small_model, clip, specs, memory_limit="4.58MB"), strict=True))
    *_, last = found.pop("every-k:k=1")
    assert str(last).startswith("it takes ")
    for spec, frames in found.items():
        alone = propagate.propagate(small_model, clip, load_policy(spec))
        assert all((one.mask == other.mask).all() for one, other in zip(alone, frames, strict=True))
    none = together(small_model, clip, specs, memory_limit="4.2MB")
    assert all(isinstance(frames[-1], MemoryError) for frames in none)


def test_when_all_have_failed_nothing_is_left_to_do(small_model, clip):
    assert len(list(propagate.propagate_together(small_model, clip, [Breaking()]))) == 10


@pytest.mark.usefixtures("batched")
def test_a_batch_for_which_memory_does_not_suffice_is_halved(small_model, clip, monkeypatch):
    sizes, real = [], STCN.decode_several

    def short(self, readouts, *rest):
        sizes.append(len(readouts))
        if len(readouts) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, readouts, *rest)

    monkeypatch.setattr(STCN, "decode_several", short)
    specs = ("every-k", "latest-only", "lfu", "first-only", "every-k:k=2")
    for found in together(small_model, clip, specs):
        assert len(found) == 23
        assert not any(isinstance(result, Exception) for result in found)
    assert sizes[:4] == [5, 3, 2, 2]
    assert max(sizes[4:]) <= 2


def test_a_frame_of_another_size_is_the_fault_of_no_strategy(small_model, small_clip):
    rgb, labels = small_clip
    whole = Sequence.from_arrays(rgb[:3], {0: labels[0]})
    sequence = replace(whole, frames=(*whole.frames, FrameRef("00003", np.zeros((40, 57, 3), np.uint8))))
    with pytest.raises(SequenceError, match=r"frame 00003 of .* is 57x40, the frames before it 56x40"):
        together(small_model, sequence, ("every-k", "lfu"))
