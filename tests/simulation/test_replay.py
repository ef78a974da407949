"""A replay holds, frame by frame and slot by slot, what a full run holds."""

import pytest
import torch
from arrays import true_masks
from plain_memory import RULES

from vosbench.errors import PolicyError
from vosbench.inference.propagate import propagate_together
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.simulation.replay import replay
from vosbench.simulation.trace import record
from vosbench.video import GroundTruth, Sequence


def contents(bank):
    """What is in which slot: {slot: (frame, position, pinned)}."""
    slots = bank.occupied.nonzero().flatten()
    columns = torch.stack([slots, bank.frame[slots], bank.position[slots], bank.pinned[slots]], 1)
    return {slot: tuple(token) for slot, *token in columns.tolist()}


def full_runs(model, sequence, specs, **options):
    """The contents of the bank of each strategy after every frame but the last of a run of the model, and what went
    wrong in it; all run at once, which on a CPU gives the bits of each alone and computes once what frames give.
    """
    policies = [load_policy(spec) for spec in specs]
    states, faults = [[] for _ in specs], [None for _ in specs]
    for found in propagate_together(model, sequence, policies, **options):
        for place, one in found.items():
            if isinstance(one, Exception):
                assert isinstance(one, PolicyError), one
                faults[place] = one.message
            else:
                states[place].append(contents(policies[place].bank))
    return {
        spec: (held if fault else held[:-1], fault) for spec, held, fault in zip(specs, states, faults, strict=True)
    }


def replayed(model, trace, policies, **options):
    """The contents of every bank after every frame but the last, {name: [contents]}."""
    found = {name: [] for name in policies}
    for moment in replay(trace, policies, model, **options):
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


@pytest.fixture
def truth(small_clip) -> GroundTruth:
    """For the strategies that cheat."""
    return true_masks(small_clip[1])


NEED_MASKS = {"gated", "object-lfu", "rmem"}  # of those that ship


def settings(clip):
    """Every strategy; on one clip with other parameters too, on another at several capacities if it has one."""
    names = POLICIES.names()
    if clip == "later":
        return sorted({*RULES, *names})
    if clip == "still":
        return names
    bounded = [name for name in names if hasattr(PolicySpec.parse(name).kind, "capacity")]
    swept = [f"{name}:capacity={capacity},every=2" for name in bounded for capacity in (2, 3, 5)]
    return [*set(names).difference(bounded), *swept, "fifo:capacity=1"]


@pytest.mark.parametrize(("clip", "top_k"), [("at once", 20), ("later", 4), ("still", 4)])
def test_kept_slots_are_those_of_a_full_run(small_model, clips, truth, clip, top_k):
    policies = {spec: load_policy(spec) for spec in settings(clip)}
    faults = {}
    found = replayed(small_model, record(small_model, clips[clip]), policies, top_k=top_k, faults=faults)
    blind = {spec for spec, fault in faults.items() if "asks for masks where none are predicted" in fault.message}
    assert {spec.partition(":")[0] for spec in blind} - {"oracle-masks"} == NEED_MASKS
    assert len(found) > 3 * len(blind)
    specs = sorted(found.keys() - blind)
    for spec, (expected, fault) in full_runs(small_model, clips[clip], specs, top_k=top_k, truth=truth).items():
        assert getattr(faults.get(spec), "message", None) == fault
        if fault:  # all of the capacity is pinned
            assert "capacity=1" in spec
            continue
        for frame, (now, then) in enumerate(zip(found[spec], expected, strict=True)):
            assert now == then, f"{spec} differs after frame {frame}"
