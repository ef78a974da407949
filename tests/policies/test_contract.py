"""Every strategy, at its defaults and with parameters, passes the common contract; and the contract can fail."""

import copy
import inspect
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from arrays import true_masks
from plain_memory import RULES

from vosbench.inference.propagate import propagate
from vosbench.memory.contract import check_contract
from vosbench.memory.policy import BoundedPolicy, MemoryPolicy
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.models.base import Network
from vosbench.models.stcn.network import FrameFeatures
from vosbench.video import GroundTruth, Sequence

SPECS = sorted({*POLICIES.names(), *RULES})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "spec" in metafunc.fixturenames:
        metafunc.parametrize("spec", metafunc.config.getoption("policy") or SPECS)


def test_contract(spec):
    assert [fault.message for fault in check_contract(PolicySpec.parse(spec).build)] == []


@pytest.fixture(scope="module")
def small_truth(small_clip) -> GroundTruth:
    return true_masks(small_clip[1])


@pytest.fixture(scope="module")
def network(small_model) -> Network:
    """A network that computes the features of a frame once for all strategies."""
    known, encode, network = {}, small_model.encode, copy.copy(small_model)

    def remembered(frame: torch.Tensor) -> FrameFeatures:
        if (pixels := frame.numpy().tobytes()) not in known:
            known[pixels] = encode(frame)
        return known[pixels]

    network.encode = remembered
    return network


def test_every_frame_of_a_video_is_segmented(spec, network, small_clip, small_truth):
    """The whole path, with an object that appears in frame 6."""
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb, {0: labels[0] * (labels[0] == 1), 6: labels[6]})
    policy = load_policy(spec)
    predictions = list(propagate(network, sequence, policy, truth=small_truth))
    assert [p.frame_index for p in predictions] == list(range(23))
    for p in predictions:
        torch.testing.assert_close(p.prob.sum(0), torch.ones(40, 56))
        assert p.timing.tokens <= getattr(policy, "capacity", 23) * p.timing.tokens_per_frame


# Strategies that break the contract, one way each


@dataclass
class Sound(BoundedPolicy):
    """Drops the oldest frame."""

    def score(self, frame):  # noqa: ARG002
        return self.bank.frame


@dataclass
class Unbounded(Sound):
    """Claims a capacity that it does not set."""

    def start(self, video, bank):
        MemoryPolicy.start(self, video, bank)


@dataclass
class Dice(Sound):
    """Unseeded chance."""

    def score(self, frame):  # noqa: ARG002
        return torch.rand(self.bank.extent)


@dataclass
class Hoarder(Sound):
    """Keeps a count across videos."""

    seen: int = field(default=0)

    def admit(self, step):  # noqa: ARG002
        self.seen += 1
        return self.seen % 4 == 0


@dataclass
class Meddler(Sound):
    """Scales the keys it is given, in place."""

    def write(self, tokens):
        tokens.key.mul_(1.01)
        super().write(tokens)


@dataclass
class Peeper(Sound):
    """Sharpens the weights of a read, in place."""

    def observe(self, match):
        for group in match:
            group.weights.square_()


@dataclass
class Refuser(Sound):
    """Writes no annotated frame but the first."""

    def write(self, tokens):
        if not tokens.annotated or not self.bank.count:
            super().write(tokens)


@dataclass
class Forgetful(Sound):
    """Frees everything after each write."""

    def write(self, tokens):
        super().write(tokens)
        self.bank.free(self.bank.by_age())


@dataclass
class Partial(Sound):
    """Writes only where the first object is, so that its eclipse leaves nothing to write."""

    def write(self, tokens):
        inside = tokens.segmentation.owner == 1
        self.bank.free(self.bank.by_age())
        self.bank.insert(tokens, inside.nonzero().flatten())


@dataclass
class Partisan(Sound):
    """Writes only while the first object is the larger one."""

    def admit(self, step):
        return bool(step.segmentation.areas[1] > step.segmentation.areas[-1])


@dataclass
class Pinned(Sound):
    """Names pinned slots."""

    def write(self, tokens):
        self.bank.pin(self.bank.by_age()[: self.bank.movable])
        super().write(tokens)

    def victims(self, count, incoming):  # noqa: ARG002
        return self.bank.by_age()[:count]


@dataclass
class Twice(Sound):
    """Names one slot as often as it is asked for slots."""

    def victims(self, count, incoming):
        slots = super().victims(count, incoming)
        self.bank.free(slots[:1].repeat(count))


@dataclass
class Miscount(Sound):
    """Names one victim too few."""

    def victims(self, count, incoming):
        return super().victims(count, incoming)[1:]


@dataclass
class Mistype(Sound):
    """Names victims as int32."""

    def victims(self, count, incoming):
        return super().victims(count, incoming).int()


@dataclass
class Lister(Sound):
    """Names victims as a list."""

    def victims(self, count, incoming):
        return super().victims(count, incoming).tolist()


@dataclass
class Crash(Sound):
    """Divides by zero in frame 9."""

    def observe(self, match):
        if match.frame == 9:
            1 / 0  # noqa: B018


EXPECTED = {
    Unbounded: "frame 0: the strategy has a capacity but does not bound its bank to it",
    Dice: "two runs over one video hold different tokens",
    Hoarder: "the strategy remembers the video before",
    Meddler: "frame 0: write changes what it is given",
    Peeper: "frame 1: observe changes what it is given",
    Refuser: "frame 7: the annotated frame 7 is not held",
    Forgetful: "frame 1: the strategy left the memory empty before frame 1",
    Partial: "the strategy left the memory empty",
    Partisan: "another order of the objects changes what is held",
    Miscount: "frame 10: victims: names 5 slots, not the 6 asked for",
    Mistype: "frame 10: victims: slots must be int64 [n], not a tensor torch.int32 (6,)",
    Lister: "frame 10: victims: slots must be int64 [n], not a list",
    Crash: "frame 9: ZeroDivisionError: division by zero",
    Pinned: "frame 10: the strategy named",
    Twice: "frame 10: the strategy named slots twice: ",
}


def test_a_sound_strategy_passes():
    assert check_contract(Sound) == []


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_a_broken_strategy_is_found_with_file_line_and_frame(kind):
    faults = check_contract(kind)
    source, begin = inspect.getsourcelines(kind)
    for fault in faults:
        assert fault.hint
        assert "\n" not in fault.message
        file, line = fault.message.split(": ")[0].rsplit(":", 1)
        assert Path(file).resolve() == Path(__file__)
        assert begin <= int(line) <= begin + len(source)
        assert " frame " in fault.message
    assert any(EXPECTED[kind] in fault.message for fault in faults), faults


def test_the_line_is_that_of_the_fault():
    source, begin = inspect.getsourcelines(Crash)
    offset = next(i for i, text in enumerate(source) if "1 / 0" in text)
    (fault,) = check_contract(Crash)
    assert fault.message.endswith(f"test_contract.py:{begin + offset}: frame 9: ZeroDivisionError: division by zero")
