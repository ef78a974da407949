"""How fast is scoring? All figures of one run, so that their ratios do not depend on what else the machine does.

Every figure is of a process of its own, as a user's is, without its imports: after some scoring the C library keeps
the memory of a picture for the next, which makes Pillow a third faster than it is in a program that only decodes.

    python tests/benchmarks/bench_score.py [folder of sequences of label PNGs] [--only FRAMES_PER_TASK ...]

Its parts score the folder (default: the OSVOS masks in ../shared) against itself two frames earlier, or drawn videos:

    decoding   the folder, against the time that Pillow needs to decode the same PNGs; one process and two
    published  the folder, against the public package vos-benchmark; one process and two
    verb       the folder with `vosbench score` as its user sees it, with and without scores kept; peak memory
    protocols  six sequences of the folder under each protocol, against davis2017
    frames     the folder's videos once, twice and four times as long, one process and two; drawn ones of 100 to
               10,000 frames
    objects    1 to 20 objects in a frame
    large      1,000 frames of 1920x1080 with 10 objects

Some nine minutes on two cores.
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from usage import Arguments, begin

from vosbench.datasets.folder import Folder
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.score import score
from vosbench.metrics.protocols import PROTOCOLS

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("decoding", "published", "verb", "protocols", "frames", "objects", "large")
OF_FOLDER = {"decoding", "published", "verb", "protocols"}  # those that need the folder
WORKS = ("decode", "score", "vos-benchmark")


class Measured(NamedTuple):
    """Seconds of CPU of a process and those it started, seconds on the clock, and peak memory in MB."""

    cpu: float
    wall: float
    peak: float


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process and those it started and ended, which other work on the machine hardly changes, and
    seconds on the clock."""
    cpu, wall = _cpu(), time.perf_counter()
    work()
    return _cpu() - cpu, time.perf_counter() - wall


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def decode(files: list[Path]) -> None:
    for path in files:
        np.array(Image.open(path))


def published(folder: Path, jobs: int) -> None:
    from vos_benchmark.benchmark import benchmark  # here, since its imports count for the peak memory of all

    benchmark([folder / "truth" / "Annotations"], [folder / "masks"], num_processes=jobs, verbose=False)


def scored_files(truth: Folder, masks: Path) -> list[Path]:
    """The PNGs that scoring has to decode."""
    return [
        file
        for name in truth.sequence_names()
        for file in sorted(truth.mask_folder(name).glob("*.png"))[1:-1]
        for file in (file, masks / name / file.name)
    ]


def lag(root: Path, folder: Path, frames: int = 2, times: int = 1, videos: int | None = None) -> int:
    """A data set of the masks in `root`, and as predictions the mask of `frames` frames earlier, as links.

    Each of the first `videos` is played so many `times` over. Returns the number of frames.
    """
    total = 0
    if not any(root.glob("*/*.png")):
        raise VosbenchError(f"{root} has no folders of label PNGs", "name a folder of them, one for each sequence")
    for sequence in sorted(path for path in root.iterdir() if path.is_dir())[:videos]:
        masks = sorted(sequence.glob("*.png")) * times
        total += len(masks)
        for kind, earlier in (("truth/Annotations", 0), ("masks", frames)):
            (folder / kind / sequence.name).mkdir(parents=True)
            for index, mask in enumerate(masks):
                link = folder / kind / sequence.name / f"{index:05d}{mask.suffix}"
                link.symlink_to(masks[max(0, index - earlier)].resolve())
    return total


def moving_blobs(folder: Path, frames: int, objects: int, height: int, width: int, shift: int, drawn: int) -> None:
    """A video of `objects` ellipses that drift, moved by `shift` pixels; after `drawn` frames it starts again."""
    folder.mkdir(parents=True)
    rows, columns = np.ogrid[:height, :width]
    for frame in range(min(frames, drawn)):
        labels = np.zeros((height, width), np.uint8)
        for k in range(objects):
            y = (0.2 + 0.6 * ((k * 0.37) % 1)) * height + shift
            x = (((k + 0.5) / objects + frame / (4 * drawn)) % 1) * width
            reach = 0.1 * height
            box = np.s_[max(int(y - reach), 0) : int(y + reach) + 1, max(int(x - reach), 0) : int(x + reach) + 1]
            inside = (rows[box[0]] - y) ** 2 + ((columns[:, box[1]] - x) * 0.8) ** 2 <= (0.9 * reach) ** 2
            labels[box][inside] = k + 1
        write_labels(folder / f"{frame:05d}.png", labels)
    for frame in range(drawn, frames):
        os.link(folder / f"{frame % drawn:05d}.png", folder / f"{frame:05d}.png")


def pair(folder: Path, frames: int, objects: int, height: int, width: int, drawn: int) -> tuple[Folder, Path]:
    for kind, shift in (("truth/Annotations", 0), ("masks", 4)):
        moving_blobs(folder / kind / "video", frames, objects, height, width, shift, drawn)
    return Folder(folder / "truth"), folder / "masks"


def compare_with_decoding(folder: Path, rounds: int) -> None:
    frames = len(scored_files(Folder(folder / "truth"), folder / "masks")) // 2
    print(f"\n{2 * frames} PNGs; two processes are the first and one that is started for it, whose start counts.")
    print("What the machine gives: the speed-up of two scorings at once, of one process each, over one and then one\n")
    print("          CPU s: Pillow  1 process  ratio  2 processes | s:     1      2  speed-up  machine gives  frames/s")
    shares, gains, limits = [], [], []
    for turn in range(1, rounds + 1):
        pillow, one, two = (measured(folder, *work) for work in (("decode",), ("score", 1), ("score", 2)))
        with ThreadPoolExecutor(2) as pool:
            slower = max(both.wall for both in pool.map(measured, (folder, folder)))
        shares.append(one.cpu / pillow.cpu)
        gains.append(one.wall / two.wall)
        limits.append(2 * one.wall / slower)
        print(
            f"round {turn:2} {pillow.cpu:14.2f} {one.cpu:10.2f} {shares[-1]:6.2f} {two.cpu:12.2f} |"
            f"{one.wall:9.2f} {two.wall:6.2f} {gains[-1]:9.2f} {limits[-1]:14.2f} {frames / two.wall:9.0f}"
        )
    share, gain, limit = map(statistics.median, (shares, gains, limits))
    print(f"medians: ratio of CPU time {share:.2f}, speed-up {gain:.2f} where the machine gives {limit:.2f}")


def compare_with_published(folder: Path) -> None:
    print()
    for jobs, processes in ((1, "one process"), (2, "two processes")):
        theirs, ours = measured(folder, "vos-benchmark", jobs), measured(folder, "score", jobs)
        print(f"{processes}: vos-benchmark {theirs.wall:.1f} s, vosbench {ours.wall:.1f} s", end=", ")
        print(f"{theirs.wall / ours.wall:.1f} times faster")


def verb(folder: Path, *arguments: str) -> float:
    """Seconds that `vosbench score` takes from its start to its end."""
    code = "import sys; from vosbench.cli import main; sys.exit(main())"
    places = "--root", str(folder / "truth"), "--cache", str(folder / "kept")
    where = "--dataset", "folder", "--protocol", "davis2017", *places
    command = [sys.executable, "-c", code, "score", str(folder / "masks"), *where, *arguments]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY))[1]


def as_users_see_it(folder: Path) -> None:
    one, two = (verb(folder, "--no-cache", "--jobs", jobs) for jobs in ("1", "2"))
    keeping, again = verb(folder, "--jobs", "2"), verb(folder, "--jobs", "2")
    print(f"\nvosbench score: {one:.2f} s with one process, {two:.2f} s with two, speed-up {one / two:.2f};")
    print(f"{keeping:.2f} s with two and scores kept, {again:.2f} s for the same masks again")
    print(f"peak memory of one process: {measured(folder).peak:.0f} MB")


def compare_protocols(folder: Path, rounds: int) -> None:
    frames = len(scored_files(Folder(folder / "truth"), folder / "masks")) // 2
    print(f"\n{frames} frames; CPU seconds of one process, and its speed as a share of that of davis2017 beside it")
    for name in PROTOCOLS.names():
        pairs = [[measured(folder, protocol=p).cpu for p in ("davis2017", name)] for _ in range(rounds)]
        share = statistics.median(davis / own for davis, own in pairs)
        print(f"{name:22} {statistics.median(own for _, own in pairs):6.2f} {share:6.2f}")


def measured(folder: Path, work: str = "score", jobs: int = 1, protocol: str = "davis2017") -> Measured:
    """A fresh process that does one of `WORKS` on a pair of folders."""
    command = [sys.executable, __file__, "--measure", work, "--jobs", str(jobs), "--protocol", protocol, str(folder)]
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY, env=compiled)
    return Measured(*map(float, run.stdout.split()))


def growth_with_frames(folder: Path, masks: Path) -> None:
    if masks.is_dir():
        print("\nvideos of the folder    frames   CPU s   ms per frame  peak MB |  s: 1 process      2  speed-up")
        for times in (1, 2, 4):
            frames = lag(masks, folder / f"times{times}", times=times)
            one, two = (measured(folder / f"times{times}", jobs=jobs) for jobs in (1, 2))
            print(f"x{times} {frames:27} {one.cpu:7.2f} {1e3 * one.cpu / frames:14.2f} {one.peak:8.0f} |", end="")
            print(f"{one.wall:14.2f} {two.wall:6.2f} {one.wall / two.wall:9.2f}")
    print("\nframes of 427x240, 3 objects   ms per frame  peak MB")
    for frames in (100, 1_000, 10_000):
        pair(folder / f"frames{frames}", frames, 3, 240, 427, drawn=100)
        one = measured(folder / f"frames{frames}")
        print(f"{frames:6} {1e3 * one.cpu / frames:36.2f} {one.peak:8.0f}")


def growth_with_objects(folder: Path) -> None:
    print("\nobjects, 60 frames of 854x480   ms per frame  of which decoding")
    for objects in (1, 2, 5, 10, 20):
        pair(folder / f"objects{objects}", 60, objects, 480, 854, drawn=60)
        pillow, one = (measured(folder / f"objects{objects}", work) for work in ("decode", "score"))
        print(f"{objects:7} {1e3 * one.cpu / 60:36.2f} {1e3 * pillow.cpu / 60:18.2f}")


def large_video(folder: Path, frames: int) -> None:
    pair(folder, frames, 10, 1080, 1920, drawn=100)
    pillow, one, two = (measured(folder, *work) for work in (("decode",), ("score", 1), ("score", 2)))
    print(f"\n{frames} frames of 1920x1080, 10 objects: Pillow {pillow.cpu:.1f} s, one process {one.cpu:.1f} s (CPU),")
    print(f"ratio {one.cpu / pillow.cpu:.2f}, {frames / one.cpu:.0f} frames/s, peak {one.peak:.0f} MB;")
    print(f"on the clock {one.wall:.1f} s, two processes {two.wall:.1f} s, speed-up {one.wall / two.wall:.2f}")


def measure(work: str, folder: Path, jobs: int, protocol: str) -> None:
    truth, masks = Folder(folder / "truth"), folder / "masks"
    files = scored_files(truth, masks)
    works = (
        lambda: decode(files),
        lambda: score(masks, truth, protocol, jobs=jobs),
        lambda: published(folder, jobs),
    )
    cpu, wall = seconds(works[WORKS.index(work)])
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(cpu, wall, peak / 1024)


def conditions() -> str:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=REPOSITORY)
    models = {
        line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    }
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{' '.join(models)}, {os.cpu_count()} cores, load {load}; {platform.python_version()}, {commit.stdout.strip()}"
    )


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("masks", type=Path, nargs="?", default=REPOSITORY.parent / "shared" / "data" / "osvos")
    parser.add_argument("--rounds", type=int, default=3, help="comparisons with Pillow")
    parser.add_argument("--large-frames", type=int, default=1000, help="frames of the 1080p video")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    for own, how in (("measure", {"choices": WORKS}), ("jobs", {"type": int}), ("protocol", {})):
        parser.add_argument(f"--{own}", help=argparse.SUPPRESS, **how)  # of the processes that this one starts
    arguments = parser.parse_args()
    if not arguments.masks.is_dir() and arguments.masks != parser.get_default("masks"):
        parser.error(f"{arguments.masks} is no folder")
    if arguments.measure:
        measure(arguments.measure, arguments.masks, arguments.jobs, arguments.protocol)
        return
    print(conditions())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.masks.is_dir() and OF_FOLDER & set(arguments.only):
            lag(arguments.masks, folder / "lag2")
        for part in arguments.only:
            if part in OF_FOLDER and not arguments.masks.is_dir():
                print(f"\n{part}: left out, {arguments.masks} is no folder")
            elif part == "decoding":
                compare_with_decoding(folder / "lag2", arguments.rounds)
            elif part == "published":
                compare_with_published(folder / "lag2")
            elif part == "verb":
                as_users_see_it(folder / "lag2")
            elif part == "protocols":
                lag(arguments.masks, folder / "six", videos=6)
                compare_protocols(folder / "six", arguments.rounds)
            elif part == "frames":
                growth_with_frames(folder, arguments.masks)
            elif part == "objects":
                growth_with_objects(folder)
            elif part == "large":
                large_video(folder / "large", arguments.large_frames)


if __name__ == "__main__":
    begin(main)
