"""How fast is scoring? All figures of one run, so that their ratios do not depend on what else the machine does.

    python tests/benchmarks/bench_score.py [folder of sequences of label PNGs] [--only PART ...]

Its parts score the folder (default: the OSVOS masks in ../shared) against itself two frames earlier, or drawn videos:

    decoding   the folder, against the time that Pillow needs to decode the same PNGs; one process and two
    verb       the folder with `vosbench score` as its user sees it, with and without scores kept; peak memory
    frames     the folder's videos once, twice and four times as long; drawn ones of 100 to 10,000 frames
    objects    1 to 20 objects in a frame
    large      1,000 frames of 1920x1080 with 10 objects

Some three minutes on two cores.
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
from pathlib import Path

import numpy as np
from PIL import Image

from vosbench.datasets.folder import Folder
from vosbench.images import write_labels
from vosbench.scoring import score

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("decoding", "verb", "frames", "objects", "large")


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


def scored_files(truth: Folder, masks: Path) -> list[Path]:
    """The PNGs that scoring has to decode."""
    return [
        file
        for name in truth.sequence_names()
        for file in sorted(truth.mask_folder(name).glob("*.png"))[1:-1]
        for file in (file, masks / name / file.name)
    ]


def lag(root: Path, folder: Path, frames: int = 2, every: int = 1, times: int = 1) -> int:
    """A data set of the masks in `root`, and as predictions the mask of `frames` frames earlier, as links.

    Of the videos each `every`-th, played so many `times` over. Returns the number of frames.
    """
    total = 0
    for sequence in sorted(path for path in root.iterdir() if path.is_dir())[::every]:
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
    truth, masks = Folder(folder / "truth"), folder / "masks"
    files = scored_files(truth, masks)
    print(f"\n{len(files)} PNGs; two processes are this one and one that is started for it, whose start counts\n")
    print("         CPU s: Pillow  1 process  ratio  2 processes | s: Pillow      1      2  ratio  speed-up  frames/s")
    shares, gains = [], []
    for turn in range(1, rounds + 1):
        pillow = seconds(lambda: decode(files))
        one, two = (seconds(lambda jobs=jobs: score(masks, truth, jobs=jobs)) for jobs in (1, 2))
        shares.append(one[0] / pillow[0])
        gains.append(one[1] / two[1])
        print(
            f"round {turn} {pillow[0]:14.2f} {one[0]:10.2f} {shares[-1]:6.2f} {two[0]:12.2f} |"
            f"{pillow[1]:10.2f} {one[1]:6.2f} {two[1]:6.2f} {one[1] / pillow[1]:6.2f} {gains[-1]:9.2f} "
            f"{len(files) / 2 / two[1]:9.0f}"
        )
    print(f"median   ratio of CPU time {statistics.median(shares):.2f}, speed-up {statistics.median(gains):.2f}")


def verb(folder: Path, *arguments: str) -> float:
    """Seconds that `vosbench score` takes from its start to its end."""
    code = "import sys; from vosbench.cli import main; sys.exit(main())"
    where = ("--dataset", "folder", "--root", str(folder / "truth"), "--cache", str(folder / "kept"))
    command = [sys.executable, "-c", code, "score", str(folder / "masks"), *where, *arguments]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True, cwd=REPOSITORY))[1]


def as_users_see_it(folder: Path) -> None:
    one, two = (verb(folder, "--no-cache", "--jobs", jobs) for jobs in ("1", "2"))
    keeping, again = verb(folder, "--jobs", "2"), verb(folder, "--jobs", "2")
    print(f"\nvosbench score: {one:.2f} s with one process, {two:.2f} s with two, speed-up {one / two:.2f};")
    print(f"{keeping:.2f} s with two and scores kept, {again:.2f} s for the same masks again")
    print(f"peak memory of one process: {measured(folder)[1]:.0f} MB")


def measured(folder: Path) -> tuple[float, float]:
    """CPU seconds, and peak memory in MB, of a fresh process that scores a pair of folders."""
    command = [sys.executable, __file__, "--measure", str(folder)]
    cpu, peak = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout.split()
    return float(cpu), float(peak) / 1024


def growth_with_frames(folder: Path, masks: Path) -> None:
    if masks.is_dir():
        print("\nvideos of the folder, every fourth    frames   CPU s   ms per frame  peak MB")
        for times in (1, 2, 4):
            frames = lag(masks, folder / f"times{times}", every=4, times=times)
            cpu, peak = measured(folder / f"times{times}")
            print(f"x{times} {frames:41} {cpu:7.2f} {1e3 * cpu / frames:14.2f} {peak:8.0f}")
    print("\nframes of 427x240, 3 objects   ms per frame  peak MB")
    for frames in (100, 1_000, 10_000):
        pair(folder / f"frames{frames}", frames, 3, 240, 427, drawn=100)
        cpu, peak = measured(folder / f"frames{frames}")
        print(f"{frames:6} {1e3 * cpu / frames:36.2f} {peak:8.0f}")


def growth_with_objects(folder: Path) -> None:
    print("\nobjects, 60 frames of 854x480   ms per frame  of which decoding")
    for objects in (1, 2, 5, 10, 20):
        truth, masks = pair(folder / f"objects{objects}", 60, objects, 480, 854, drawn=60)
        files = scored_files(truth, masks)
        pillow, one = seconds(lambda files=files: decode(files))[0], measured(folder / f"objects{objects}")[0]
        print(f"{objects:7} {1e3 * one / 60:36.2f} {1e3 * pillow / 60:18.2f}")


def large_video(folder: Path, frames: int) -> None:
    truth, masks = pair(folder, frames, 10, 1080, 1920, drawn=100)
    pillow = seconds(lambda: decode(scored_files(truth, masks)))[0]
    one, peak = measured(folder)
    two = seconds(lambda: score(masks, truth, jobs=2))[1]
    print(f"\n{frames} frames of 1920x1080, 10 objects: Pillow {pillow:.1f} s, one process {one:.1f} s (CPU), ratio")
    print(
        f"{one / pillow:.2f}, {frames / one:.0f} frames/s, peak {peak:.0f} MB; two processes {two:.1f} s on the clock"
    )


def measure(folder: Path) -> None:
    truth = Folder(folder / "truth")
    cpu = seconds(lambda: score(folder / "masks", truth, jobs=1))[0]
    status = Path("/proc/self/status").read_text().splitlines()
    print(cpu, next(line.split()[1] for line in status if line.startswith("VmHWM")))


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("masks", type=Path, nargs="?", default=REPOSITORY.parent / "shared" / "data" / "osvos")
    parser.add_argument("--rounds", type=int, default=3, help="comparisons with Pillow")
    parser.add_argument("--large-frames", type=int, default=1000, help="frames of the 1080p video")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--measure", type=Path, metavar="FOLDER", help="only print CPU s and peak kB (Linux)")
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    print(conditions())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.masks.is_dir() and {"decoding", "verb"} & set(arguments.only):
            lag(arguments.masks, folder / "lag2")
        for part in arguments.only:
            if part in {"decoding", "verb"} and not arguments.masks.is_dir():
                print(f"\n{part}: left out, {arguments.masks} is no folder")
            elif part == "decoding":
                compare_with_decoding(folder / "lag2", arguments.rounds)
            elif part == "verb":
                as_users_see_it(folder / "lag2")
            elif part == "frames":
                growth_with_frames(folder, arguments.masks)
            elif part == "objects":
                growth_with_objects(folder)
            elif part == "large":
                large_video(folder / "large", arguments.large_frames)


if __name__ == "__main__":
    main()
