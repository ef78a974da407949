"""How fast is scoring? All figures of one run, so that their ratios do not depend on what else the machine does.

    python tests/benchmarks/bench_score.py [folder of sequences of label PNGs]

Scores the folder (default: the OSVOS masks in ../shared) against itself two frames earlier, and compares with the
time that Pillow needs to decode the same PNGs. Then: growth with frames and with objects, and a large video.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vosbench.images import write_labels
from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.protocols import find_protocol
from vosbench.scoring import score
from vosbench.types import GroundTruth

RULES = find_protocol("davis2017")


@dataclass(frozen=True)
class Masks:
    """Folders of masks as a data set."""

    root: Path
    name: str = "masks"
    split: str = "val"
    default_protocol: str = "davis2017"

    def sequence_names(self) -> tuple[str, ...]:
        return tuple(sorted(folder.name for folder in self.root.iterdir() if folder.is_dir()))

    def truth(self, name: str) -> GroundTruth:
        masks = {path.stem: path for path in sorted((self.root / name).glob("*.png"))}
        return GroundTruth(name, tuple(masks), masks)


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """CPU seconds of this process, which other work on the machine hardly changes, or another clock's."""
    start = clock()
    work()
    return clock() - start


def decode(files: list[Path]) -> None:
    for path in files:
        np.array(Image.open(path))


def lag(root: Path, target: Path, frames: int = 2, most: int | None = None) -> Path:
    """Predictions for `root`: the mask of `frames` frames earlier, as links."""
    for sequence in sorted(root.iterdir())[:most]:
        masks = sorted(sequence.glob("*.png"))
        if masks:
            (target / sequence.name).mkdir(parents=True)
            for index, mask in enumerate(masks):
                (target / sequence.name / mask.name).symlink_to(masks[max(0, index - frames)].resolve())
    return target


def moving_boxes(folder: Path, frames: int, objects: int, height: int, width: int, shift: int) -> None:
    """A video of `objects` ellipses that drift; `shift` pixels apart between truth and prediction."""
    rows, columns = np.ogrid[:height, :width]
    for frame in range(frames):
        labels = np.zeros((height, width), np.uint8)
        for k in range(objects):
            y = (0.2 + 0.6 * ((k * 0.37) % 1)) * height + shift
            x = (((k + 0.5) / objects + frame / (4 * frames)) % 1) * width
            reach = 0.1 * height
            top, left = max(int(y - reach), 0), max(int(x - reach), 0)
            box = np.s_[top : int(y + reach) + 1, left : int(x + reach) + 1]
            inside = (rows[box[0]] - y) ** 2 + ((columns[:, box[1]] - x) * 0.8) ** 2 <= (0.9 * reach) ** 2
            labels[box][inside] = k + 1
        folder.mkdir(parents=True, exist_ok=True)
        write_labels(folder / f"{frame:05d}.png", labels)


def pair_of_videos(folder: Path, name: str, frames: int, objects: int, height: int = 480, width: int = 854) -> None:
    for kind, shift in (("truth", 0), ("masks", 4)):
        moving_boxes(folder / kind / name, frames, objects, height, width, shift)


def compare_with_decoding(root: Path, folder: Path) -> None:
    truth, masks = Masks(root), lag(root, folder / "lag2")
    files = [
        source / name / f"{frame}.png"
        for name in truth.sequence_names()
        for frame in truth.truth(name).frame_names[1:-1]
        for source in (root, masks)
    ]
    print("               Pillow  1 process  ratio | wall: Pillow  1 process  2 processes  speed-up  frames/s")
    for turn in range(1, 4):
        wall = time.perf_counter
        cpu = seconds(lambda: decode(files)), seconds(lambda: score(masks, truth, jobs=1))
        pillow = seconds(lambda: decode(files), wall)
        one, two = (seconds(lambda jobs=jobs: score(masks, truth, jobs=jobs), wall) for jobs in (1, 2))
        print(
            f"round {turn} CPU s {cpu[0]:6.2f} {cpu[1]:10.2f} {cpu[1] / cpu[0]:6.2f} |"
            f"{pillow:13.2f} {one:10.2f} {two:12.2f} {one / two:9.2f} {len(files) / 2 / one:9.0f}"
        )


def growth(folder: Path) -> None:
    print("\nframes (3 objects)   ms per frame")
    for frames in (100, 200, 400):
        pair_of_videos(folder, f"frames{frames}", frames, objects=3)
        print(f"{frames:6} {1e3 * score_one(folder, f'frames{frames}') / frames:25.2f}")
    print("\nobjects (60 frames)  ms per frame, of which decoding")
    for objects in (1, 2, 5, 10, 20):
        name = f"objects{objects}"
        pair_of_videos(folder, name, 60, objects)
        files = sorted(folder.glob(f"*/{name}/*.png"))
        pillow = seconds(lambda files=files: decode(files))
        print(f"{objects:7} {1e3 * score_one(folder, name) / 60:24.2f} {1e3 * pillow / 60:10.2f}")


def score_one(folder: Path, name: str) -> float:
    truth = Masks(folder / "truth").truth(name)
    return seconds(lambda: score_sequence(truth, folder / "masks", RULES))


def peak_memory(truth: Path, masks: Path) -> float:
    """Peak memory in MB of a fresh process that scores one pair of folders."""
    command = [sys.executable, __file__, "--peak-of", str(truth), str(masks)]
    return float(subprocess.run(command, check=True, capture_output=True).stdout) / 1024


def large_video(folder: Path, frames: int) -> None:
    pair_of_videos(folder, "large", frames, objects=10, height=1080, width=1920)
    files = sorted(folder.glob("*/large/*.png"))
    truth = Masks(folder / "truth")
    pillow, one = seconds(lambda: decode(files)), seconds(lambda: score(folder / "masks", truth, jobs=1))
    memory = peak_memory(folder / "truth", folder / "masks")
    print(f"\n{frames} frames of 1080p, 10 objects: Pillow {pillow:.1f} s, one process {one:.1f} s (CPU),")
    print(f"ratio {one / pillow:.2f}, {frames / one:.0f} frames/s, peak {memory:.0f} MB")


def main() -> None:
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "osvos"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("masks", type=Path, nargs="?", default=shared)
    parser.add_argument("--large-frames", type=int, default=1000, help="frames of the 1080p video (0: none)")
    parser.add_argument(
        "--peak-of", type=Path, nargs=2, metavar=("TRUTH", "MASKS"), help="only print peak memory, kB (Linux)"
    )
    arguments = parser.parse_args()
    if arguments.peak_of:
        truth, masks = arguments.peak_of
        score(masks, Masks(truth), jobs=1)
        status = Path("/proc/self/status").read_text().splitlines()
        print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.masks.is_dir():
            compare_with_decoding(arguments.masks, folder)
            print(f"peak memory of one process: {peak_memory(arguments.masks, folder / 'lag2'):.0f} MB")
        growth(folder)
        if arguments.large_frames:
            large_video(folder / "large", arguments.large_frames)


if __name__ == "__main__":
    main()
