"""Does `vosbench segment` take more memory for a longer video? Peak memory of the whole process, by number of frames.

    python tests/benchmarks/bench_segment.py [--frames 300 3000] [--policy lfu:capacity=2]

Each video is drawn at 64x48, and segmented by a process of its own as a user's is. Some two minutes on one core.
"""

import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from usage import Arguments, begin

from vosbench.images import write_labels
from vosbench.video_file import open_video, writing_mp4

HEIGHT, WIDTH, SIDE = 48, 64, 12
CODE = """
import resource, sys
from vosbench.cli import main
status = main(sys.argv[1:])
print(status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def draw(path: Path, frames: int) -> np.ndarray:
    """Write a video of a square that goes round over noise; the mask of its first frame, uint8 [H,W]."""
    rng = np.random.default_rng(1)
    ground = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    coat = rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    first = np.zeros((HEIGHT, WIDTH), np.uint8)
    with writing_mp4(path, (HEIGHT, WIDTH), Fraction(25)) as write:
        for time in range(frames):
            angle = 2 * np.pi * time / 200
            top, left = int(18 + 16 * np.sin(angle)), int(26 + 24 * np.cos(angle))
            rgb = ground.copy()
            rgb[top : top + SIDE, left : left + SIDE] = coat
            write(rgb, time)
            if not time:
                first[top : top + SIDE, left : left + SIDE] = 255
    return first


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[300, 3000])
    parser.add_argument("--policy", default="lfu:capacity=2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for frames in arguments.frames:
            write_labels(folder / "first.png", draw(folder / "clip.mp4", frames))
            command = ["segment", folder / "clip.mp4", "--mask", folder / "first.png", "--out", folder / str(frames)]
            command += ["--policy", arguments.policy, "--threads", "1", "--shorter-side", "0"]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(
                [sys.executable, "-c", CODE, *command], capture_output=True, text=True, check=True, env=environment
            )
            *_, (status, peak) = [line.split() for line in done.stdout.splitlines()]
            if status != "0":
                print(done.stderr, end="", file=sys.stderr)
                sys.exit(int(status))
            speed = done.stdout.splitlines()[-2].split()
            masks = len(list((folder / str(frames) / "masks").iterdir()))
            assert (status, masks, open_video(folder / f"{frames}/overlay.mp4").promised) == ("0", frames, frames)
            print(f"{frames} frames: peak {int(peak) / 1024:.1f} MiB, {speed[0]} frames per second")


if __name__ == "__main__":
    begin(main)
