"""Every strategy, at its defaults and with parameters, passes the common contract; and the contract can fail."""

from dataclasses import dataclass, field

import pytest
import torch
from plain_memory import RULES

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.memory.policy import BoundedPolicy, MemoryPolicy
from vosbench.memory.contract import CHECKS
from vosbench.memory.registry import load_policy, policy_names, resolve_policy
from vosbench.types import Sequence

SPECS = sorted({*policy_names(), *RULES})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "spec" in metafunc.fixturenames:
        metafunc.parametrize("spec", metafunc.config.getoption("policy") or SPECS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(spec, check):
    check(resolve_policy(spec).build)


def test_every_frame_of_a_video_is_segmented(spec, small_model, small_clip):
    """The whole path, with an object that appears in frame 6."""
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb, {0: labels[0] * (labels[0] == 1), 6: labels[6]})
    policy = load_policy(spec)
    predictions = list(propagate(small_model, sequence, policy))
    assert [p.frame_index for p in predictions] == list(range(23))
    for p in predictions:
        torch.testing.assert_close(p.prob.sum(0), torch.ones(40, 56))
        assert p.timing.tokens <= getattr(policy, "capacity", 23) * p.timing.tokens_per_frame


# Strategies that break the contract, one way each


@dataclass
class _Sound(BoundedPolicy):
    """Drops the oldest frame."""

    def score(self, frame):  # noqa: ARG002
        return self.bank.frame


@dataclass
class Unbounded(_Sound):
    """Claims a capacity that it does not set."""

    def start(self, video, bank):
        MemoryPolicy.start(self, video, bank)


@dataclass
class Dice(_Sound):
    """Unseeded chance."""

    def score(self, frame):  # noqa: ARG002
        return torch.rand(self.bank.extent)


@dataclass
class Hoarder(_Sound):
    """Keeps a count across videos."""

    seen: int = field(default=0)

    def admit(self, step):  # noqa: ARG002
        self.seen += 1
        return self.seen % 4 == 0


@dataclass
class Meddler(_Sound):
    """Scales the keys it is given, in place."""

    def write(self, tokens):
        tokens.key.mul_(1.01)
        super().write(tokens)


@dataclass
class Peeper(_Sound):
    """Sharpens the weights of a read, in place."""

    def observe(self, match):
        for group in match:
            group.weights.square_()


@dataclass
class Refuser(_Sound):
    """Writes no annotated frame but the first."""

    def write(self, tokens):
        if not tokens.annotated or not self.bank.count:
            super().write(tokens)


@dataclass
class Forgetful(_Sound):
    """Frees everything after each write."""

    def write(self, tokens):
        super().write(tokens)
        self.bank.free(self.bank.occupied.nonzero().flatten())


@pytest.mark.parametrize("kind", [Unbounded, Dice, Hoarder, Meddler, Peeper, Refuser, Forgetful])
def test_the_contract_finds_a_broken_strategy(kind):
    broken = 0
    for check in CHECKS:
        check(_Sound)
        try:
            check(kind)
        except (AssertionError, VosbenchError):
            broken += 1
    assert broken


def test_messages_name_the_fault():
    with pytest.raises(AssertionError, match="does not bound its bank"):
        check_capacity_is_never_exceeded(Unbounded)
    with pytest.raises(AssertionError, match="the annotated frame 7 is not held"):
        check_objects_may_appear_later(Refuser)
