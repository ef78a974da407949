"""Runs that worker processes share out: the results are those of one process, whoever dies meanwhile."""

import gc
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import Mock

import pytest
from layouts import write_small_davis
from run_files import results

from vosbench.base.own_files import place_in_own_file
from vosbench.bench.cluster import Cluster
from vosbench.bench.dispatch import Dispatch
from vosbench.bench.plan import Plan
from vosbench.bench.runner import execute, run
from vosbench.bench.suite import Suite
from vosbench.errors import VosbenchError

pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks for processes in /proc")
NAMES = ("ant", "bee", "cow", "dog", "eel")
MARK = ".shared"
NETWORK = Path(__file__).parents[1] / "toy_network.py"

IDEA = """
import os, signal
from dataclasses import dataclass
from pathlib import Path
from vosbench.memory.policy import MemoryPolicy

@dataclass
class Idea(MemoryPolicy):
    def admit(self, step):
        dies(self.video.name, step.frame)
        return step.frame % 2 == 0

def dies(sequence, frame):
"""
LOG = Path("begun.txt")  # of each sequence that a worker began, a line


@pytest.fixture(scope="module")
def cluster():
    """Of two workers, on one core, too."""
    with pytest.MonkeyPatch.context() as patch, Cluster(workers=2) as cluster:
        patch.setattr("vosbench.base.processes.cpu_count", lambda: 2)
        yield cluster


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data of five sequences."""
    folder = tmp_path_factory.mktemp("shared out")
    davis = write_small_davis(folder / "DAVIS")
    for kind in ("JPEGImages", "Annotations"):
        for name in NAMES[2:]:
            shutil.copytree(davis / kind / "480p/ant", davis / kind / "480p" / name)
    (davis / "ImageSets/2017/val.txt").write_text("\n".join(NAMES))
    return folder


@pytest.fixture
def idea(place):
    """A strategy of one's own: idea(body) writes what it does in every frame but the last of a sequence."""

    def write(body: str) -> Path:
        (place / LOG).unlink(missing_ok=True)
        begins = f"    if frame == 1 and os.getpid() != {os.getpid()}:\n"
        begins += f"        with open({str(place / LOG)!r}, 'a') as log:\n            log.write(sequence + '\\n')\n"
        (place / "idea.py").write_text(IDEA + begins + f"    {body}\n")
        return place / "idea.py"

    return write


@pytest.fixture
def suite(place, idea):
    policies = "every-k:k=2", str(idea("return"))
    return Suite("davis2017", place / "DAVIS", policies=policies, model=NETWORK, threads=1, keep_memory_trace=True)


@pytest.fixture
def alone(suite, place, request):
    """The results of one process."""
    if not (place / "alone/run").exists():
        request.getfixturevalue("lent_pool")
        run(suite, place / "alone/run")
    return results(place / "alone/run")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        *((given, r"no scheduler answers at .+: .+") for given in ("tcp://127.0.0.1:9", "foo://bar:1", "HTTP")),
        *((given, f"{given} names no port") for given in ("nonsense", "tcp://127.0.0.1")),
        *((given, r"file\.json is not the file of a scheduler") for given in ("{", "{}", "[]")),
        ('{"address": "127.0.0.1"}', "127.0.0.1 names no port"),
    ],
)
def test_a_scheduler_that_is_not_there(suite, tmp_path, monkeypatch, given, told, capfd):  # first: clusters come after
    monkeypatch.setattr("vosbench.bench.cluster.LONELY", 0.3)
    (tmp_path / "file.json").write_text(given)
    where = {"scheduler_file": tmp_path / "file.json"} if given[0] in "{[" else {"address": given}
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if given == "HTTP":
            where = {"address": f"127.0.0.1:{server.server_port}"}
        before = time.monotonic()
        with Cluster(**where) as cluster, pytest.raises(VosbenchError, match=told):
            run(suite, tmp_path / "run", cluster=cluster)
        assert time.monotonic() - before < 20
        server.shutdown()
    gc.collect()
    err = capfd.readouterr().err
    assert "Traceback" not in err
    assert "distributed" not in err


def test_the_results_are_those_of_one_process(suite, alone, cluster, tmp_path):
    told = []
    records = run(suite, tmp_path / "run", lambda *what: told.append(what), cluster=cluster)
    assert results(tmp_path / "run") == alone
    assert len([1 for *_, frame, frames in told if frame == frames]) == len(records) == 4 * len(NAMES)
    assert {who.partition(":")[0] for who, *_ in told} == {"worker 0", "worker 1"}
    assert [len(r.timings) for r in records if r.policy.kind == "strategy"] == [1, 1] + [0] * 8
    started = cluster._started
    told.clear()
    run(suite, tmp_path / "run", lambda *what: told.append(what), cluster=cluster)
    assert not told
    assert cluster._started is started


def test_without_a_common_file_system_results_are_sent_back(suite, alone, cluster, tmp_path):
    (tmp_path / "own").mkdir()
    number = os.open(tmp_path / "own", os.O_RDONLY)
    try:
        run(suite, Path(f"/proc/self/fd/{number}/run"), cluster=cluster)  # which is another folder in each process
    finally:
        os.close(number)
    assert results(tmp_path / "own/run") == alone


def test_workers_that_are_killed_cost_nothing_but_time(suite, alone, cluster, idea, place, tmp_path):
    killed = ("bee", "cow", "dog")  # ant is timed, after a warm-up
    once = f"frame == 4 and Path({str(place / LOG)!r}).read_text().count(sequence) == 1"
    idea(f"if sequence in {killed} and {once}: os.kill(os.getpid(), signal.SIGKILL)")
    run(suite, tmp_path / "run", cluster=cluster)
    begun = (place / LOG).read_text().split()
    assert {name: begun.count(name) for name in NAMES} == {name: 1 + (name in killed) for name in NAMES}
    assert masks(results(tmp_path / "run")) == masks(alone)


def masks(found: dict[str, bytes]) -> dict[str, bytes]:
    """The masks and memory traces of both strategies."""
    return {n: found[n] for n in found if n.endswith((".png", ".npz")) and ("every-k" in n or "idea" in n)}


def test_strategies_that_kill_their_process_fail_alone(suite, alone, cluster, idea, place, tmp_path, monkeypatch):
    """As one does under which the GPU fails: nothing works there any more in that process."""
    own = idea("if (sequence, frame) == ('bee', 3): raise RuntimeError('CUDA error: device-side assert triggered')")
    other = tmp_path / "other.py"
    kills = "if (sequence, frame) == ('bee', 2): os.kill(os.getpid(), signal.SIGKILL)"
    other.write_text(f"{IDEA}    {kills}\n".replace("Idea", "Other"))
    (stops := tmp_path / "stops.py").write_text(
        f"{IDEA}    if sequence == 'bee': raise KeyboardInterrupt\n".replace("Idea", "Stops")
    )
    policies = (*suite.policies, str(other), str(stops))
    said: list[str] = []
    monkeypatch.setattr(cluster, "_say", said.append)
    records = run(replace(suite, policies=policies, controls=False), tmp_path / "run", cluster=cluster)
    again = Counter(re.sub(r"worker \S+ tries", "worker N tries", line) for line in said if "died" in line)
    assert again["a worker died at bee; worker N tries again (try 2)"] == 1, again
    assert again[f"a worker died at bee under {other}; worker N tries again (try 2)"] == 1, again
    *failed, stopped = [record for record in records if record.failure]
    assert (stopped.policy.spec, stopped.sequence) == (str(stops), "bee")
    assert stopped.failure.reason.endswith("KeyboardInterrupt:")
    assert [(r.policy.spec, r.sequence, r.failure.cause, r.failure.frames) for r in failed] == [
        (str(one), "bee", "strategy", None) for one in (own, other)
    ]
    assert all(record.failure.reason.startswith("its process died 3 times") for record in failed)
    begun = (place / LOG).read_text().split()
    assert {name: begun.count(name) for name in NAMES} == {"ant": 1, "bee": 6, "cow": 1, "dog": 1, "eel": 1}
    expected = {n: content for n, content in masks(alone).items() if not ("idea" in n and "bee" in n)}
    assert masks(results(tmp_path / "run")) == expected
    assert len(expected) == len(masks(alone)) - 7
    assert len(records) == 20


def test_no_more_workers_start_than_there_are_cores_or_units(suite, tmp_path, monkeypatch):
    def start(_, count):
        started.append(count)
        raise VosbenchError("enough")

    started, cluster = [], Cluster(workers=100_000)
    monkeypatch.setattr(cluster, "_client", start)
    for cores in (3, 1000):
        monkeypatch.setattr("vosbench.base.processes.cpu_count", lambda cores=cores: cores)
        with pytest.raises(VosbenchError, match="enough"):
            run(replace(suite, timing="all"), tmp_path / "run", cluster=cluster)
    assert started == [3, len(NAMES)]


def test_what_ends_a_process_in_python_ends_the_run(suite, cluster, tmp_path):
    """Dask would never tell of it, and the run wait for ever."""
    ends = "from multiprocessing import current_process\n        if current_process().name != 'MainProcess': exit(3)"
    before = "features = self.trunk"
    (tmp_path / "own_network.py").write_text(NETWORK.read_text().replace(before, f"{ends}\n        {before}"))
    with pytest.raises(RuntimeError, match="SystemExit: 3") as caught:
        run(replace(suite, model=str(tmp_path / "own_network.py")), tmp_path / "run", cluster=cluster)
    assert "own_network.py" in str(place_in_own_file(caught.value))


def test_what_a_worker_finds_to_be_other_ends_the_run(suite, cluster, tmp_path):
    own = Path(shutil.copy(NETWORK, tmp_path / "own_network.py"))
    plan = Plan(replace(suite, model=str(own)), tmp_path / "run")
    own.write_text(NETWORK.read_text() + "# another")
    told = r"worker \d: .*own_network\.py is not here, or is not the same as where the run was started"
    with pytest.raises(VosbenchError, match=told):
        execute(plan, cluster=cluster)
    assert not list((tmp_path / "run").glob("records/*/*"))
    assert not (tmp_path / "run" / MARK).exists()


def test_another_file_of_the_same_name_does_not_matter(suite, alone, cluster, tmp_path):
    """It was used before by this process, and is no longer as it was then."""
    for name, file in (("idea.py", suite.policies[1]), (NETWORK.name, NETWORK)):
        before = Path(shutil.copy(file, tmp_path / name))
        Plan(replace(suite, **({"policies": (str(before),)} if name == "idea.py" else {"model": str(before)})))
        before.write_text("is something else now")
    run(suite, tmp_path / "run", cluster=cluster)
    assert results(tmp_path / "run") == alone


def test_workers_load_again_what_lies_beside_a_strategy(suite, cluster, idea, place, tmp_path, request):
    """At the top, in a function, and where nothing else has changed since their last run."""
    request.getfixturevalue("lent_pool")
    own = idea("return")
    own.write_text(own.read_text().replace("import os", "from part_top import Base; import os") + LATE)
    own.write_text(own.read_text().replace("Idea(MemoryPolicy)", "Idea(Base)").replace("step.frame % 2", "rest(step)"))
    suite = replace(suite, policies=(str(own),), controls=False, sequences=("bee",))
    found = []
    for top, late in ((2, 2), (3, 2), (2, 3), (2, 2)):
        (place / "part_top.py").write_text(PART.format(top))
        (place / "part_late.py").write_text(f"every = {late}")
        name = f"{len(found)}"
        run(suite, tmp_path / name, cluster=cluster)
        if name in "12":
            run(suite, tmp_path / f"{name}-alone")
            assert masks(results(tmp_path / name)) == masks(results(tmp_path / f"{name}-alone"))
        found.append(masks(results(tmp_path / name)))
    assert found[0] == found[3]
    assert all(found[0] != other for other in found[1:3])


PART = """from vosbench.memory.policy import MemoryPolicy
class Base(MemoryPolicy):
    every = {}
"""
LATE = """
def rest(step):
    from part_late import every
    return step.frame % every + (step.frame % Idea.every > 0)
"""


def test_a_dashboard_alone():
    with pytest.raises(VosbenchError, match="a dashboard shows what workers do"):
        Cluster(dashboard=True)


def test_what_no_worker_lived_to_tell_of_is_told(suite, alone, place):
    assert alone
    plan, told = Plan(suite, place / "alone/run"), []
    dispatch = Dispatch(Mock(), plan, "", lambda *what: told.append(what), print)
    dispatch.carry_out([], plan.tasks[1:])
    dispatch._hear((0.0, ["key", 7, plan.tasks[1].policy.label, plan.tasks[1].name, 7, 7]))
    dispatch._tell_rest(plan.tasks)
    assert told[0][0].startswith("worker 7: ")
    assert [what[1] for what in told] == [task.name for task in plan.tasks[1:]]  # the first was there before
    assert all(frame == frames for *_, frame, frames in told)


@pytest.mark.parametrize("given", [{}, {"workers": 2, "address": "tcp://127.0.0.1:1"}])
def test_one_way_to_name_a_cluster(given):
    with pytest.raises(VosbenchError, match="a cluster is a number of workers"):
        Cluster(**given)


SLOW_TO_END = """import atexit, time
atexit.register(time.sleep, 40)
"""
FORKING = """import multiprocessing
if __name__ == "__main__":
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["slow", "vosbench.bench.forkserver"])
    process = forking.Process(target=print, args=("done",))
    process.start()
    process.join()
"""


def test_the_process_that_workers_are_forked_from_ends_with_the_run(tmp_path):
    """Else it keeps the standard output open, for which this would wait."""
    (tmp_path / "slow.py").write_text(SLOW_TO_END)
    (tmp_path / "forking.py").write_text(FORKING)
    search = os.pathsep.join([str(tmp_path), *sys.path])
    told = subprocess.run(
        [sys.executable, tmp_path / "forking.py"],
        env=os.environ | {"PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert told.stdout == "done\n"
