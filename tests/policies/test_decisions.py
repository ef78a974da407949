"""What each strategy holds after every frame, token by token, equals a simulation in plain Python."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_memory import RULES
from plain_video import simulate

from vosbench.memory.contract import LATER
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import load_policy
from vosbench.memory.trial import TrialVideo, drive

TRACES = {
    "from-the-start": TrialVideo.draw(),
    "appearing-later": TrialVideo.draw(appearing=LATER, seed=1),
    "first-mask-late": TrialVideo.draw(appearing={3: 1, 4: 2}, seed=2),
    "short": TrialVideo.draw(frames=6, seed=3),
}


def expected_tokens(spec: str, trace: TrialVideo, k: int = 4):
    soft = [trace.masks(t)[:, 0, ::16].tolist() for t in range(len(trace.keys))]
    return simulate(RULES[spec], trace.keys.tolist(), tuple(sorted(trace.appearing)), k, soft)


def test_every_strategy_has_a_rule():
    assert {spec.partition(":")[0] for spec in RULES} == set(POLICIES.names())


def test_every_rule_has_recorded_slots():
    recorded = json.loads((Path(__file__).resolve().parents[1] / "data/recorded.json").read_text())
    assert set(recorded["kept"]) == set(RULES)


@pytest.mark.parametrize("spec", RULES)
@pytest.mark.parametrize("name", TRACES)
def test_kept_tokens_equal_the_rule(spec, name):
    check(spec, TRACES[name])


@pytest.mark.parametrize("spec", RULES)
@settings(max_examples=3, deadline=None)
@given(
    st.integers(1, 16), st.integers(1, 7), st.integers(0, 2**31), st.dictionaries(st.integers(0, 9), st.integers(1, 2))
)
def test_kept_tokens_equal_the_rule_on_any_trace(spec, frames, positions, seed, appearing):
    appearing = {first: count for first, count in appearing.items() if first < frames}
    check(spec, TrialVideo.draw(frames, positions, seed, dict(sorted(appearing.items()))))


def check(spec: str, trace: TrialVideo) -> None:
    policy = load_policy(spec)
    expected = expected_tokens(spec, trace)
    merges = spec.startswith("afb")  # its keys are computed
    for t, (now, bank) in enumerate(drive(policy, trace, top_k=4)):
        assert now.tokens == tuple(token.name for token in expected[t]), f"frame {t}"
        slots = bank.by_age()
        if hasattr(policy, "references"):
            counted = policy.references.values[slots]
            if policy.references.values.dtype == torch.int32:
                assert counted.tolist() == [token.hits for token in expected[t]], f"frame {t}"
            else:
                masses = torch.tensor([token.mass for token in expected[t]])
                torch.testing.assert_close(counted, masses, rtol=1e-4, atol=1e-6)
        keys = torch.tensor([token.key for token in expected[t]]).reshape(len(slots), trace.keys.shape[2])
        torch.testing.assert_close(bank.key[slots], keys, rtol=1e-4 if merges else 0, atol=1e-5 if merges else 0)


def test_the_traces_make_the_strategies_differ():
    """Otherwise the tests above would show little."""
    trace = TRACES["appearing-later"]
    specs = [spec for spec in RULES if not spec.startswith("oracle")]  # which holds what its base holds
    finals = {spec: tuple(tuple(t.name for t in held) for held in expected_tokens(spec, trace)) for spec in specs}
    assert len(set(finals.values())) == len(finals)
    assert len({t.frame for t in expected_tokens("lfu:capacity=2.5,every=2", trace)[-1]}) > 3  # tokens leave singly
