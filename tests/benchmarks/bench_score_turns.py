"""CPU time of scoring as a multiple of decoding the same PNGs with Pillow, in turns in one process: below 1.5.

    python tests/benchmarks/bench_score_turns.py [folder of sequences of label PNGs] [--rounds 9]

Six sequences of the folder (default: the OSVOS masks in ../shared) are scored against themselves two frames earlier.
In one process Pillow is a third faster than in one that only decodes (`bench_score.py`), so that this is the stricter
figure. The last line is what telling the ids of a mask takes, beside the histogram that it once was. A minute.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from bench_score import REPOSITORY, conditions, decode, lag, scored_files
from usage import Arguments, begin

from vosbench.datasets.folder import Folder
from vosbench.images import present_labels, read_labels
from vosbench.masks.score import score


def histogram(labels: np.ndarray) -> np.ndarray:
    return np.flatnonzero(cv2.calcHist([labels], [0], None, [256], [0, 256])[1:]) + 1


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("masks", type=Path, nargs="?", default=REPOSITORY.parent / "shared" / "data" / "osvos")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    if not arguments.masks.is_dir():
        parser.error(f"{arguments.masks} is no folder: name one of sequences of label PNGs")
    print(conditions())
    with tempfile.TemporaryDirectory() as name:
        lag(arguments.masks, Path(name), videos=6)
        truth, masks = Folder(Path(name) / "truth"), Path(name) / "masks"
        files = scored_files(truth, masks)
        print(f"{len(files)} PNGs, medians (least and most) of {arguments.rounds} rounds")
        for protocol in ("davis2017", "vos-benchmark"):
            score(masks, truth, protocol, jobs=1)
            pairs = [
                [cpu_seconds(lambda: decode(files)), cpu_seconds(lambda: score(masks, truth, protocol, jobs=1))]  # noqa: B023
                for _ in range(arguments.rounds)
            ]
            turns = [scored / decoded for decoded, scored in pairs]
            print(f"{protocol:14} {statistics.median(turns):.2f} ({min(turns):.2f} to {max(turns):.2f})")
        maps = [read_labels(file) for file in files[::20]]
        for way in (present_labels, histogram):
            ms = min(100 * cpu_seconds(lambda: [way(m) for m in maps for _ in range(10)]) for _ in range(5))  # noqa: B023
            print(f"{way.__name__:14} {ms / len(maps):.3f} ms a mask")


if __name__ == "__main__":
    begin(main)
