"""What a GPU makes of vosbench, in at most `--seconds`: tests, parity with the CPU, waits, speed.

    python tests/gpu/gpu_check.py [--root CHECKOUT] [--out FOLDER] [--seconds 240] [--device cuda] [--tiny]

Needs what vosbench needs, and for `tests` pytest; the checkout need not be installed, and joblib's copy of loky does
where loky is absent. Steps, those of most worth first, each within the time that is left; OUT/gpu_check.json is
written after each:

    environment  versions and the device
    tests        those of strategies, memory, network and frame loop; they use the GPU where there is one
    parity       every strategy: the device against the CPU, and against itself, twice
    waits        where the host waits for the GPU (`torch.cuda.set_sync_debug_mode`)
    together     3, 8 and 21 strategies at once, against each alone, at full size
    length       what a frame costs early and late of 2,000
    published    the published STCN on the same weights, whose folder `--published` names (see bench_engine.py)
    speed        STCN at full size, 480p, 1 and 3 objects, the paper's strategies: as shipped, and what might be
    profile      launches a frame, how long the GPU is busy, what costs most

Without a GPU nothing is done, and the exit status is 2; `--device cpu` tries the same on the CPU, small, but for
`waits` (see `emulate.py` for these). The exit status is 1 if something could not be done in time or at all, tests
failed, or a strategy is another than on the CPU, or than the time before.
"""

import argparse
import atexit
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SHIM = "from joblib.externals.loky import *\nfrom joblib.externals.loky import BrokenProcessPool, cpu_count\n"


ALIKE = 0.99  # of the pixels of a strategy's masks, at least, are those of the CPU
STEPS = ("environment", "tests", "parity", "waits", "together", "length", "published", "speed", "profile")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--out", type=Path, default=Path(), help="default: the folder in which it is started")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--device", choices=("cpu", "cuda"))
    parser.add_argument("--tiny", action="store_true", help="small network and clips; always so on a CPU")
    parser.add_argument("--published", type=Path, help="the published STCN's folder")
    parser.add_argument("--only", help="these steps, comma-separated; what the file has of others stays")
    given = parser.parse_args()
    if wrong := {*(given.only or "tests").split(",")} - {*STEPS}:
        parser.error(f"--only: no step {', '.join(sorted(wrong))}; there are {', '.join(STEPS)}")
    for folder, has in ((given.root, "vosbench"), (given.published, "model")):
        if folder is not None and not (folder / has).is_dir():
            parser.error(f"{folder} has no folder {has}")
    import torch

    if given.device != "cpu" and not torch.cuda.is_available():
        parser.exit(2, "error: torch finds no GPU on this machine: --device cpu tries the same on the CPU, small\n")
    try:
        given.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out: {error}")
    return given


def make_importable(root: Path) -> dict[str, str]:
    """Make a checkout that is not installed importable; returns the environment in which its tests find it, too."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        import loky  # noqa: F401
    except ImportError:
        (folder / "loky.py").write_text(SHIM)
    package = folder / "vosbench"  # as a build puts it together: the strategies lie in it
    package.mkdir()
    for part in (*(root / "vosbench").iterdir(), root / "policies"):
        (package / part.name).symlink_to(part)
    found = [folder, *(root / "tests" / part for part in (".", "gpu", "benchmarks"))]
    sys.path[:0] = map(str, found)
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, found))}


def _failures(found: Any) -> int:
    """How often something could not be done, tests failed, or a strategy was another on the device, or again."""
    if not isinstance(found, dict):
        return 0
    failed = bool({"error", "stopped", "left out"} & found.keys()) or found.get("status", 0) != 0
    unlike = found.get("pixels alike", 1) < ALIKE or found.get("repeats") is False
    return failed + unlike + sum(map(_failures, found.values()))


class Check:
    """The steps, on one device, and what is left of their time."""

    def __init__(self, given: argparse.Namespace, environment: dict[str, str]) -> None:
        import torch

        self.given, self.subprocess_environment, self.started = given, environment, time.perf_counter()
        self.device = torch.device(given.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.on_gpu = self.device.type == "cuda"
        self.tiny = given.tiny or not self.on_gpu
        self.found: dict[str, Any] = {}
        self.failed = 0
        if not self.on_gpu:
            torch.set_num_threads(1)  # on a busy machine two wait for each other

    def carry_out(self) -> None:
        from speed import Bench

        written, bench = self.given.out / "gpu_check.json", Bench(self)
        print(f"writes {written}", flush=True)
        if self.given.only and written.is_file():
            self.found = json.loads(written.read_text())
        for name in self.given.only.split(",") if self.given.only else STEPS:
            print(f"\n### {name}, {self.left():.0f} s left", flush=True)
            began = time.perf_counter()
            try:
                found: Any = (getattr(self, name, None) or getattr(bench, name))()
            except Exception as error:  # the next step may still tell something
                found = {"error": f"{type(error).__name__}: {error}"[:500]}
                print(found)
            self.failed += _failures(found)
            self.found[name] = {"seconds": round(time.perf_counter() - began, 1), "found": found}
            written.write_text(json.dumps(self.found, indent=1))
        print(f"\ndone in {time.perf_counter() - self.started:.0f} s, {self.failed} failures: {written}")

    def left(self) -> float:
        return self.given.seconds - (time.perf_counter() - self.started)

    def rows(self, names: Any, reserve: float, measure: Callable[[Any], Any]) -> dict[str, Any]:
        """What `measure` finds for each name while more than `reserve` seconds are left."""
        found: dict[str, Any] = {}
        for name in names:
            if self.left() < reserve:
                found["left out"] = f"from {name} on: no time left"
                print(found["left out"])
                break
            try:
                found[str(name)] = measure(name)
            except Exception as error:
                found[str(name)] = {"error": f"{type(error).__name__}: {error}"[:400]}
            print(f"{name!s:60} {found[str(name)]}", flush=True)
        return found

    def wait(self) -> None:
        import torch

        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    # The steps

    def environment(self) -> dict[str, Any]:
        import torch

        found = {
            "device": torch.cuda.get_device_name(self.device)
            if self.on_gpu
            else "CPU: there is no GPU, or none asked for",
            "torch": torch.__version__,
            "cudnn": torch.backends.cudnn.version() if self.on_gpu else None,
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        }
        print(found)
        return found

    def tests(self) -> dict[str, Any]:
        if find_spec("pytest") is None:
            print(lacking := "not run: this needs pytest (pip install pytest)")
            return {"left out": lacking}
        chosen = ["tests/policies/test_contract.py", *([] if self.tiny else ["tests/memory", "tests/inference"])]
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import gpu_check, pathlib, pytest\n"
        code += (
            f"gpu_check.make_importable(pathlib.Path({str(self.given.root)!r})); sys.exit(pytest.main(sys.argv[1:]))"
        )
        words = [
            "-q",
            "-x",
            "-o",
            "addopts=--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            *chosen,
            *(["-k", "lfu"] if self.tiny else []),
        ]
        limit = max(20.0, self.left() / 3)
        try:
            done = subprocess.run(
                [sys.executable, "-c", code, *words],
                cwd=self.given.root,
                env=self.subprocess_environment,
                capture_output=True,
                text=True,
                timeout=limit,
            )
        except subprocess.TimeoutExpired:
            return {"stopped": f"after {limit:.0f} s"}
        print(done.stdout[-1500:] + done.stderr[-500:])
        return {"status": done.returncode, "end": done.stdout[-1500:]}

    def parity(self) -> dict[str, Any]:
        import numpy as np
        import torch
        from clips import strategies, truth, two_objects

        from vosbench.inference.propagate import propagate
        from vosbench.memory.spec import load_policy
        from vosbench.models.checkpoint import load_model

        sequence = two_objects(*((9, 48, 64) if self.tiny else (24, 96, 128)))
        host, device = load_model("stcn-tiny"), load_model("stcn-tiny", self.device)

        def run(model: Any, spec: str) -> tuple[Any, Any, list[Any]]:
            policy, masks, probs, held = load_policy(spec), [], [], []
            for one in propagate(model, sequence, policy, truth=truth(sequence)):
                masks.append(one.mask)
                probs.append(one.prob.float().cpu())
                slots = policy.bank.occupied.nonzero().flatten()
                places = zip(policy.bank.frame[slots].tolist(), policy.bank.position[slots].tolist(), strict=True)
                held.append(sorted(places))
            return np.stack(masks), torch.stack(probs), held

        def row(spec: str) -> dict[str, Any]:
            want, got, again = run(host, spec), run(device, spec), run(device, spec)
            return {
                "pixels alike": float((want[0] == got[0]).mean()),
                "worst frame": float((want[0] == got[0]).mean((1, 2)).min()),
                "probabilities differ by": float((want[1] - got[1]).abs().max()),
                "frames with the same tokens": statistics.mean(a == b for a, b in zip(want[2], got[2], strict=True)),
                "repeats": bool((got[0] == again[0]).all() and torch.equal(got[1], again[1]) and got[2] == again[2]),
            }

        return self.rows(strategies(), 60, row)

    def waits(self) -> dict[str, Any] | str:
        import torch
        from clips import PAPER, clip
        from variants import full_size

        from vosbench.inference.propagate import propagate
        from vosbench.memory.spec import load_policy
        from vosbench.video import Sequence

        if not self.on_gpu:
            print("needs a GPU; tests/gpu/emulate.py counts waits on a CPU")
            return "needs a GPU"
        model = full_size("stcn-tiny" if self.tiny else "stcn", self.device)
        rgb, labels = clip(13, 240, 432, 2)

        def row(spec: str) -> dict[str, Any]:
            stream = propagate(model, Sequence.from_arrays(rgb, {0: labels[0]}), load_policy(spec))
            for _ in range(6):
                next(stream)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                torch.cuda.set_sync_debug_mode("warn")
                try:
                    rest = len(list(stream))
                finally:
                    torch.cuda.set_sync_debug_mode("default")
            lines = Counter(f"{w.filename}:{w.lineno}" for w in caught if "synchroniz" in str(w.message))
            short = {line.replace(f"{self.given.root}{os.sep}", ""): n for line, n in lines.most_common()}
            return {"waits a frame": round(sum(lines.values()) / rest, 2), "lines": short}

        return self.rows(PAPER, 60, row)


if __name__ == "__main__":
    given = arguments()
    given.root, given.out = given.root.resolve(), given.out.resolve()
    sys.path.insert(0, str(given.root / "tests" / "gpu"))
    check = Check(given, make_importable(given.root))
    from vosbench.models.graphs import capture_after

    with capture_after(1):  # before a measurement begins
        check.carry_out()
    sys.exit(1 if check.failed else 0)
