"""Whatever a strategy raises is its fault, but for Ctrl-C."""

from concurrent.futures import ThreadPoolExecutor

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


def test_beside_the_main_thread_as_in_workers_it_cannot_be_ctrl_c():
    def stop():
        with blamed(load_policy("fifo"), "frame 3"):
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool, pytest.raises(PolicyError, match="frame 3: KeyboardInterrupt"):
        pool.submit(stop).result()
