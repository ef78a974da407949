"""Whatever a strategy raises is its fault, but for Ctrl-C."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from vosbench.base.signals import ENDING, as_interrupts
from vosbench.errors import PolicyError
from vosbench.memory.blame import blamed
from vosbench.memory.spec import load_policy


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Those of Python, where these tests themselves ignore some signals, too; and those of before in the end."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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


def test_where_no_signal_has_come_it_is_that_of_the_strategy():
    with (
        as_interrupts(),
        pytest.raises(PolicyError, match=r"fifo\.py:\d+: frame 3: KeyboardInterrupt:"),
        blamed(load_policy("fifo"), "frame 3"),
    ):
        raise KeyboardInterrupt


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_is_nobodys(number):
    with as_interrupts() as came, pytest.raises(KeyboardInterrupt), blamed(load_policy("fifo"), "frame 3"):
        signal.raise_signal(number)
    assert came == [number]


def test_a_signal_that_the_strategy_has_handled_otherwise_is_nobodys():
    """Nobody knows then whether one has come."""
    with as_interrupts():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt), blamed(load_policy("fifo"), "frame 3"):
            signal.raise_signal(signal.SIGINT)


def test_beside_the_main_thread_as_in_workers_it_cannot_be_ctrl_c():
    def stop():
        with blamed(load_policy("fifo"), "frame 3"):
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool, pytest.raises(PolicyError, match="frame 3: KeyboardInterrupt"):
        pool.submit(stop).result()
