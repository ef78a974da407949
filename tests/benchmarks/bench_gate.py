"""Does the gate on speed cry wolf, and does it see a wolf? Real runs beside a program that keeps one core busy.

    python tests/benchmarks/bench_gate.py [--trials 40]

In each trial the same code is run twice and compared with itself, and once more with a strategy that takes 20%
longer on purpose and decides the same. Of 40 trials at most 2 may alarm without reason, and at least 38 must catch
the slow one. Exit status 1 if not. A trial takes some 10 s; tests/report/test_gate.py simulates the same.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import chdir, contextmanager
from pathlib import Path

import torch
from usage import Arguments, begin

from vosbench.bench.record import RunRecord
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.report.compare.gate import Check, Tolerance, gate
from vosbench.report.compare.pairing import pair_up
from vosbench.report.context import Records
from vosbench.report.measures import model_fps

CLIPS = "length=20,clips=3,objects=2,deformation=0.15"
REPEATS = 3
FAIR = "every-k:k=5"
SLOWED = '''
import time
from dataclasses import dataclass

from vosbench.memory.policy import parameter
from vosbench.policies.every_k import EveryK


@dataclass
class Slowed(EveryK):
    """every-k that wastes CPU time: a share of all that the frame took."""

    waste: float = parameter(0.2, "", "share of the time")

    def start(self, video, bank):
        super().start(video, bank)
        self.mark = time.thread_time()

    def admit(self, step):
        end = time.thread_time() + self.waste * (time.thread_time() - self.mark)
        while time.thread_time() < end:
            pass
        self.mark = time.thread_time()
        return super().admit(step)
'''
BUSY = "import os\nif hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, {0})\nwhile True: pass"


@contextmanager
def one_core_busy():
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def measure(policy: str) -> tuple[RunRecord, ...]:
    """The records of a run that is timed and not scored."""
    suite = Suite(split=CLIPS, policies=(policy,), shorter_side=64, score=False, timing="all", repeats=REPEATS)
    with tempfile.TemporaryDirectory() as folder:
        return run(suite, Path(folder))


def time_check(old: Records, new: Records) -> Check:
    return next(c for c in gate(pair_up({"old": old, "new": new}), Tolerance()) if c.quantity == "time")


def trial() -> tuple[Check, Check, list[float]]:
    """The verdicts on the same code and on the slowed one, and the FPS of the three runs."""
    old, new, slow = (measure(policy) for policy in (FAIR, FAIR, "./slowed.py:k=5"))
    return time_check(old, new), time_check(old, slow), [model_fps(records) for records in (old, new, slow)]


def main() -> int:
    parser = Arguments(__doc__)
    parser.add_argument("--trials", type=int, default=40)
    trials = parser.parse_args().trials
    torch.set_num_threads(1)
    print(
        f"torch {torch.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {CLIPS}, {REPEATS} repeats"
    )
    alarms = caught = undecided = 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, chdir(name), one_core_busy():
        Path("slowed.py").write_text(SLOWED)
        for number in range(1, trials + 1):
            same, slow, fps = trial()
            alarms += same.passed is False
            caught += slow.passed is False
            undecided += same.passed is None
            print(f"trial {number}: model FPS {', '.join(f'{value:.1f}' for value in fps)}")
            print(f"  same: {same.result}, {same.detail}\n  slow: {slow.result}, {slow.detail}", flush=True)
    most, least = trials // 20, -(-trials * 19 // 20)
    print(f"{alarms} false alarms of {trials} (at most {most}), {undecided} undecided; {caught} slow ones caught")
    print(f"(at least {least}); {(time.perf_counter() - started) / trials:.0f} s a trial")
    return int(alarms > most or caught < least)


if __name__ == "__main__":
    begin(main)
