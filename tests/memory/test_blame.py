"""Whatever a strategy raises is its fault, but for Ctrl-C."""

import pytest

from vosbench.errors import PolicyError
from vosbench.memory.blame import blamed
from vosbench.memory.spec import load_policy


@pytest.mark.parametrize("kind", [ValueError, SystemExit, GeneratorExit, BaseException])
def test_whatever_a_strategy_raises_is_its_fault(kind):
    with (
        pytest.raises(PolicyError, match=rf"fifo\.py:\d+: frame 3: {kind.__name__}: x"),
        blamed(load_policy("fifo"), "frame 3"),
    ):
        raise kind("x")


def test_ctrl_c_is_nobodys():
    with pytest.raises(KeyboardInterrupt), blamed(load_policy("fifo"), "frame 3"):
        raise KeyboardInterrupt
