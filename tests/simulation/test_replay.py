"""A replay holds, frame by frame and slot by slot, what a full run holds."""

import re

import pytest
import torch
from plain_memory import RULES

from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.memory.registry import load_policy, policy_names, resolve_policy
from vosbench.simulation.replay import replay
from vosbench.simulation.trace import record
from vosbench.types import Sequence


def contents(bank):
    """What is in which slot: {slot: (frame, position, pinned)}."""
    slots = bank.occupied.nonzero().flatten()
    columns = torch.stack([slots, bank.frame[slots], bank.position[slots], bank.pinned[slots]], 1)
    return {slot: tuple(token) for slot, *token in columns.tolist()}


def full_run(model, sequence, policy, **options):
    """The contents of the bank after every frame but the last of a run of the model."""
    return [contents(policy.bank) for _ in propagate(model, sequence, policy, **options)][:-1]


def replayed(trace, policies, **options):
    """The contents of every bank after every frame but the last, {name: [contents]}."""
    found = {name: [] for name in policies}
    for moment in replay(trace, policies, **options):
        for bank in moment.banks:
            found[bank.name].append(contents(bank.bank))
    return {name: [{}] * trace.first + states[1:] for name, states in found.items()}


@pytest.fixture
def clips(small_clip):
    """Both objects from the start; one in frame 3, the other in frame 9; and one object in a still video."""
    rgb, labels = small_clip
    return {
        "at once": Sequence.from_arrays(rgb, {0: labels[0]}),
        "later": Sequence.from_arrays(rgb, {3: labels[3] * (labels[3] == 1), 9: labels[9]}),
        "still": Sequence.from_arrays(rgb[:1].repeat(14, 0), {0: labels[0]}),
    }


def settings():
    """Every strategy at its defaults and as the plain models have it, and at several capacities if it has one."""
    specs = [*policy_names(), *RULES]
    for name in policy_names():
        if hasattr(resolve_policy(name).kind, "capacity"):
            specs += [f"{name}:capacity={capacity},every=2" for capacity in (1, 1.7, 3)]
    return sorted(set(specs))


@pytest.mark.parametrize(("clip", "top_k"), [("at once", 20), ("later", 4), ("still", 4)])
def test_kept_slots_are_those_of_a_full_run(small_model, clips, clip, top_k):
    policies = {spec: load_policy(spec) for spec in settings()}
    trace = record(small_model, clips[clip])
    faults = {}
    found = replayed(trace, policies, top_k=top_k, faults=faults)
    for spec, states in found.items():
        if spec in faults:  # a capacity of one frame, and that one pinned
            with pytest.raises(VosbenchError, match=re.escape(faults[spec].message.removeprefix(f"{spec}: "))):
                full_run(small_model, clips[clip], load_policy(spec), top_k=top_k)
            continue
        expected = full_run(small_model, clips[clip], load_policy(spec), top_k=top_k)
        for frame, (now, then) in enumerate(zip(states, expected, strict=True)):
            assert now == then, f"{spec} differs after frame {frame}"
