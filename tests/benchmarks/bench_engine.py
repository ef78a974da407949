"""How fast frames are segmented against other code, in one run and in turns. Not part of the test suite.

    python tests/benchmarks/bench_engine.py --published FOLDER      # of the published STCN, github.com/hkchengrex/STCN
    python tests/benchmarks/bench_engine.py --before CHECKOUT --model stcn-tiny     # an earlier vosbench

The published code does not ship; `contestant.py` says which of its files are used. STCN has random weights, the same on
both sides, and every fifth frame is remembered. Each side has a process of its own, with one thread; they take turns,
and the figures are medians of seconds a frame over the whole clip, from pixels to masks: of CPU time, or with `--device
cuda` on the clock. A ratio above 1 says that the checkout in which this file lies is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from usage import Arguments, begin

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "gpu"))
from clips import clip  # noqa: E402

from vosbench.models.checkpoint import bundled, check_device  # noqa: E402


def random_weights(file: Path) -> None:
    """Those of the published STCN's size that neither explode nor vanish: what it predicts means nothing."""
    from vosbench.models.stcn.network import STCN

    torch.manual_seed(0)
    model = STCN()
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            module.weight.data *= 0.7
    torch.save(model.state_dict(), file)


class Contestant:
    """A process that segments the clip when it is told to."""

    def __init__(self, kind: str, folder: Path, settings: dict[str, object]) -> None:
        words = [sys.executable, HERE / "contestant.py", kind, folder, json.dumps(settings)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        self._answer()

    def run(self, out: Path | str = "") -> float:
        """Seconds of the whole clip; masks and probabilities go to `out`."""
        assert self.process.stdin is not None
        print(out, file=self.process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[2]} ended with status {self.process.wait()}")
        return line

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("--published", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--model", default="stcn", choices=("stcn", *bundled()), help="stcn has random weights")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--size", type=int, nargs=2, default=[480, 854], help="height and width")
    parser.add_argument("--frames", type=int, default=21)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    given = parser.parse_args()
    others = {"published": given.published, "vosbench": given.before}
    others = {kind: folder.resolve() for kind, folder in others.items() if folder is not None}
    if not others:
        parser.error("give --published or --before")
    for folder, has in ((given.published, "model"), (given.before, "vosbench")):
        if folder is not None and not (folder / has).is_dir():
            parser.error(f"{folder} has no folder {has}")
    if given.published is not None and given.model != "stcn":
        parser.error(f"the published code has no network like {given.model}: leave --model out")
    check_device(given.device)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "stcn.pth"
        random_weights(weights)
        ours = CHECKOUT / "vosbench" / "models" / "weights" / f"{given.model}.safetensors"
        name = str(weights if given.model == "stcn" else ours)
        for objects in given.objects:
            rgb, labels = clip(given.frames, *given.size, objects)
            np.savez(Path(folder) / "clip.npz", rgb=rgb, labels=labels[0])
            settings = {"weights": name, "clip": str(Path(folder) / "clip.npz"), "strategy": "every-k:k=5"}
            settings["device"] = given.device
            for kind, other in others.items():
                compare(
                    f"{given.model}, {objects} objects, against {other}", kind, other, settings, given, Path(folder)
                )


def compare(
    title: str, kind: str, other: Path, settings: dict[str, object], given: argparse.Namespace, folder: Path
) -> None:
    """Print the ratio, and how alike the two sides' results are."""
    sides = [Contestant("vosbench", CHECKOUT, settings), Contestant(kind, other, settings)]
    seconds: list[list[float]] = [[], []]
    for side in sides if given.device == "cuda" else ():
        side.run()  # libraries choose kernels, and graphs are captured
    for turn in range(given.turns):
        for i in (0, 1) if turn % 2 == 0 else (1, 0):
            seconds[i].append(sides[i].run("" if turn else folder / f"{i}.npz"))
    for side in sides:
        side.end()
    ours, theirs = ([s / given.frames for s in each] for each in seconds)
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    mine, other_found = (np.load(folder / f"{i}.npz") for i in range(2))
    alike = (mine["masks"] == other_found["masks"]).mean()
    apart = np.abs(mine["prob"] - other_found["prob"]).max()
    print(f"{title}: {statistics.median(ours):.3f} s a frame here, {statistics.median(theirs):.3f} s there: ", end="")
    print(f"{statistics.median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} turns)")
    print(f"    {100 * alike:.4f}% of pixels alike, probabilities of the last frame within {apart:.1g}", flush=True)


if __name__ == "__main__":
    begin(main)
