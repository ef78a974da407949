"""A method of a strategy that answers with what cannot be used is named, with its line."""

import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
import torch

from vosbench.errors import PolicyError, VosbenchError
from vosbench.memory.answer import yes_or_no
from vosbench.memory.contract import check_contract
from vosbench.memory.policy import BoundedPolicy, FrequencyPolicy, LatestPolicy, MemoryPolicy
from vosbench.memory.registry import POLICIES
from vosbench.memory.trial import TrialVideo, drive

BASES = {
    "score": BoundedPolicy,
    "victims": BoundedPolicy,
    "count": FrequencyPolicy,
    "worth": FrequencyPolicy,
    "store": LatestPolicy,
    "admit": MemoryPolicy,
    "masks": MemoryPolicy,
}


@pytest.mark.parametrize(
    ("method", "answer", "fault"),
    [
        ("score", None, "scores must be [extent], here (12,), not None"),
        ("score", [1.0], "scores must be [extent], here (12,), not a list"),
        ("score", torch.zeros(3), "not a tensor torch.float32 (3,)"),
        ("score", lambda self, _: self.bank.frame[:, None], "not a tensor torch.int64 (12, 1)"),
        ("score", lambda self, _: self.bank.frame / 0, "scores that are no numbers to slots: 0, 1, 2, 3, 4"),
        ("victims", [0], "slots must be int64 [n], not a list"),
        ("victims", torch.tensor([0]), "names 1 slots, not the 6 asked for"),
        ("victims", torch.zeros(6), "slots must be int64 [n], not a tensor torch.float32 (6,)"),
        ("victims", lambda _, count, __: torch.full([count], 3), "named slots twice: 3, 3"),
        ("count", None, "TypeError: "),
        ("count", torch.zeros(2), "RuntimeError: The size of tensor a (6) must match"),
        ("worth", "high", "AttributeError: 'str' object has no attribute"),
        ("store", lambda self, tokens: [*self.bank.insert(tokens)], "slots must be int64 [n], not a list"),
        ("admit", "no", "answers 'no', not True or False"),
        ("admit", None, "answers None, not True or False"),
        ("admit", torch.zeros(2), "answers a tensor torch.float32 (2,), not True or False"),
        ("masks", None, "None, where (2, 16, 96) are predicted"),
        ("masks", lambda _, step: step.segmentation.masks[0], "a tensor torch.float32 (16, 96), where (2,"),
        ("masks", lambda _, step: step.segmentation.masks * torch.nan, "gave masks that are no numbers"),
    ],
)
def test_the_method_is_named_that_answers_wrongly(method, answer, fault):
    given = answer if isinstance(answer, FunctionType) else lambda self, *asked: answer  # noqa: ARG005
    base = BASES[method]
    methods = {name: lambda self, *asked: None for name in base.__abstractmethods__}  # noqa: ARG005
    methods |= {"admit": lambda self, step: True} if method == "masks" else {}  # noqa: ARG005
    methods |= {"count": lambda self, match: match.hits()} if method == "worth" else {}  # noqa: ARG005
    given.__name__ = method
    kind = dataclass(type("Idea", (base,), {**methods, method: given, "__module__": __name__}))
    kind.__firstlineno__ = 1  # where Python 3.13 looks for a class
    found = check_contract(lambda: kind())
    line = inspect.getsourcelines(given)[1]
    assert any(
        re.search(rf"test_answer\.py:{line}: frame \d+: {method}: ", e.message) and fault in e.message for e in found
    ), [e.message for e in found]


class Fails(BoundedPolicy):
    def score(self, frame):
        raise ValueError(f"of frame {frame}")


def test_a_method_that_fails_itself_is_blamed_at_its_own_line():
    line = inspect.getsourcelines(Fails.score)[1] + 1
    with pytest.raises(PolicyError, match=rf"test_answer\.py:{line}: frame 10: ValueError: of frame 10"):
        for _ in drive(Fails(), TrialVideo.draw()):
            pass


@pytest.mark.parametrize("answer", [True, 1, np.True_, torch.tensor(True), torch.tensor([3])])
def test_what_is_yes(answer):
    assert yes_or_no(answer) is True


@pytest.mark.parametrize("answer", [False, 0, np.False_, torch.tensor(False), torch.tensor([0])])
def test_what_is_no(answer):
    assert yes_or_no(answer) is False


def test_a_quality_that_is_a_method_would_always_be_true(tmp_path: Path):
    idea = tmp_path / "idea.py"
    idea.write_text(
        "from vosbench.memory.policy import MemoryPolicy\n"
        "class Idea(MemoryPolicy):\n"
        "    def admit(self, step):\n        return True\n"
        "    def needs_truth(self):\n        return False\n"
    )
    with pytest.raises(VosbenchError, match="Idea: needs_truth must be a property"):
        POLICIES.find(str(idea))
