"""What asks a process to end is Ctrl-C to Python, unless it is ignored, and can be made to wait."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from vosbench.base.signals import ENDING, as_interrupts, by_code, held

pytestmark = pytest.mark.skipif(len(ENDING) < 3, reason="this system has not all three signals")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Python's own at first, even where these tests ignore them (`nohup pytest &`), and as they were afterwards."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_each_is_an_interrupt(number):
    with pytest.raises(KeyboardInterrupt), as_interrupts() as came:
        signal.raise_signal(number)
    assert came == [number]
    for late in ENDING:  # the process is about to end
        signal.raise_signal(late)


def test_nothing_stays_changed_if_none_comes():
    before = {number: signal.getsignal(number) for number in ENDING}
    with as_interrupts() as came:
        assert not before.items() & {number: signal.getsignal(number) for number in ENDING}.items()
    assert {number: signal.getsignal(number) for number in ENDING} == before
    assert came == []


@pytest.mark.parametrize("number", ENDING)
def test_one_that_is_ignored_stays_ignored(number):
    signal.signal(number, signal.SIG_IGN)
    with as_interrupts() as came, held():
        signal.raise_signal(number)
    assert came == []
    assert signal.getsignal(number) == signal.SIG_IGN


def test_an_interrupt_is_that_of_code_where_no_signal_has_come():
    assert by_code(SystemExit())
    assert not by_code(KeyboardInterrupt())  # nobody knows
    with as_interrupts():
        assert by_code(KeyboardInterrupt())
        with held():
            assert not by_code(KeyboardInterrupt())
    with as_interrupts():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not by_code(KeyboardInterrupt())
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    assert by_code(KeyboardInterrupt())  # as in processes that are started for work
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize("number", ENDING)
def test_each_can_be_made_to_wait(number):
    done = []
    with as_interrupts() as came, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        with held():
            signal.raise_signal(number)
            done.append(number)
        pytest.fail("it never came")
    assert done == came == [number]


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("last", ["", "while True: pass"])
def test_one_that_comes_while_a_module_is_loaded_waits_for_it(tmp_path, monkeypatch, number, last):
    """What is loaded without an end is interrupted, after a while."""
    (tmp_path / "loaded_late.py").write_text(
        f"import signal\nsignal.raise_signal({int(number)})\nsignal.raise_signal({int(number)})\nloaded = []\n{last}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("vosbench.base.signals.PAUSES", 20)
    try:
        with pytest.raises(KeyboardInterrupt), as_interrupts() as came:  # noqa: PT012
            import loaded_late

            assert loaded_late.loaded == []
            time.sleep(60)
            pytest.fail("it never came")
        assert ("loaded_late" in sys.modules) == (not last)
    finally:
        sys.modules.pop("loaded_late", None)
    assert came == [number]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_one_that_waits_comes_at_the_end_at_the_latest(tmp_path, monkeypatch):
    (tmp_path / "loaded_last.py").write_text("import signal\nsignal.raise_signal(signal.SIGTERM)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("vosbench.base.signals.PAUSE", 60)
    with pytest.raises(KeyboardInterrupt), as_interrupts() as came:
        import loaded_last  # noqa: F401
    sys.modules.pop("loaded_last")
    assert came == [signal.SIGTERM]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_one_that_waited_for_a_module_can_be_made_to_wait_again(tmp_path, monkeypatch):
    (tmp_path / "loaded_first.py").write_text("import signal\nsignal.raise_signal(signal.SIGTERM)\n")
    monkeypatch.syspath_prepend(tmp_path)
    done = []
    with pytest.raises(KeyboardInterrupt), as_interrupts() as came:  # noqa: PT012
        import loaded_first  # noqa: F401

        with held():
            time.sleep(0.2)
            done.append(1)
        pytest.fail("it never came")
    sys.modules.pop("loaded_first")
    assert done == [1]
    assert came == [signal.SIGTERM]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_terminal_that_closes():
    """Nothing can be written to it, and the process still ends as it should."""
    code = """
import os, sys, time
from vosbench.base.signals import as_interrupts
os.close(os.open(os.ttyname(0), os.O_RDWR))  # it becomes the terminal of this session
try:
    with as_interrupts():
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("gone", flush=True)
    sys.exit(77)
"""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    assert os.read(ours, 100).strip() == b"ready"
    os.close(ours)
    assert process.wait(30) == 77
