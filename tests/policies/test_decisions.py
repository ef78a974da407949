"""What each strategy holds after every frame, token by token, equals a simulation in plain Python."""

import pytest
import torch
from plain_memory import RULES, simulate
from policy_contract import LATER, Trace, drive

from vosbench.memory.registry import load_policy, policy_names

TRACES = {
    "from-the-start": Trace.draw(),
    "appearing-later": Trace.draw(appearing=LATER, seed=1),
    "first-mask-late": Trace.draw(appearing={3: 1, 4: 2}, seed=2),
    "short": Trace.draw(frames=6, seed=3),
}


def test_every_strategy_has_a_rule():
    assert {spec.partition(":")[0] for spec in RULES} == set(policy_names())


@pytest.mark.parametrize("spec", RULES)
@pytest.mark.parametrize("name", TRACES)
def test_kept_tokens_equal_the_rule(spec, name):
    trace = TRACES[name]
    policy = load_policy(spec)
    expected = simulate(RULES[spec], trace.keys.tolist(), tuple(sorted(trace.appearing)), k=4)
    for t, (now, bank) in enumerate(drive(policy, trace, top_k=4)):
        assert now.tokens == tuple(token.name for token in expected[t]), f"frame {t}"
        if hasattr(policy, "references"):
            slots = torch.tensor(now.slots, dtype=torch.int64)
            counted = policy.references.values[slots]
            if policy.references.values.dtype == torch.int32:
                assert counted.tolist() == [token.hits for token in expected[t]], f"frame {t}"
            else:
                masses = torch.tensor([token.mass for token in expected[t]])
                torch.testing.assert_close(counted, masses, rtol=1e-4, atol=1e-6)
        for (frame, position), slot in zip(now.tokens, now.slots, strict=True):
            assert torch.equal(bank.key[slot], trace.keys[frame, position])


def test_the_traces_make_the_strategies_differ():
    """Otherwise the tests above would show little."""
    trace = TRACES["from-the-start"].keys.tolist()
    finals = {spec: tuple(t.name for t in simulate(rule, trace, (0,), k=4)[-1]) for spec, rule in RULES.items()}
    assert len(set(finals.values())) == len(finals)
    assert len({f for f, _ in finals["lfu:capacity=2.5,every=2"]}) > 3  # tokens leave singly, not by frames
