"""How large and how fast is a report of 20 strategies and 30 sequences of 70 frames of 854x480, memory traces and all?

    python tests/benchmarks/bench_report.py [SEQUENCES]

The run is made up: frames are those of a generated clip, enlarged; masks are the truth, moved by some pixels; memories
lose tokens at random every fifth frame. Printed are the CPU time of a page, the bytes of the largest, and how long
Chromium takes to open it and to go to another frame with all strategies shown (milliseconds; none without Chromium).
"""

import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from made_records import make_record
from usage import Arguments, begin

from vosbench.base.varints import pack
from vosbench.bench.record import DATA_ROOT, DatasetInfo, Memory, ObjectRecord, Scores, read_run, write_record
from vosbench.datasets import open_dataset
from vosbench.images import read_labels, write_labels
from vosbench.memory.trace import MemoryTrace, runs_of
from vosbench.metrics.statistics import Statistics
from vosbench.report.pages.build import build

STRATEGIES, FRAMES, SIZE, GRID = 20, 70, (480, 854), (30, 54)
NAMES = [f"{t:05d}" for t in range(FRAMES)]


def make_data(root: Path, sequences: int) -> None:
    """One clip in the layout `folder`, and links to it under other names."""
    clip = open_dataset("synthetic", root / "generated", f"length={FRAMES},clips=1")
    video, truth = clip.sequence("clip-00"), clip.truth("clip-00")
    frames, masks = root / "JPEGImages/s00", root / "Annotations/s00"
    for folder in (frames, masks):
        folder.mkdir(parents=True)
    for frame, name in zip(video.frames, NAMES, strict=True):
        cv2.imwrite(str(frames / f"{name}.jpg"), cv2.resize(frame.load()[..., ::-1], SIZE[::-1]))
        labels = truth.masks[frame.name].load().as_labels()
        write_labels(masks / f"{name}.png", cv2.resize(labels, SIZE[::-1], interpolation=cv2.INTER_NEAREST))
    for number in range(1, sequences):
        for folder in (frames, masks):
            folder.with_name(f"s{number:02d}").symlink_to(folder)


def make_run(run: Path, root: Path, sequences: int) -> None:
    """Records, masks and traces of all strategies on all sequences."""
    rng, ids = np.random.default_rng(0), open_dataset("folder", root).sequence("s00").object_ids
    run.mkdir()
    (run / DATA_ROOT).write_text(str(root))
    info = DatasetInfo("folder", open_dataset("folder", root).split, "", "feedbeef", sequences)
    for number in range(STRATEGIES):
        spec, trace = f"idea-{number}", forgetful(rng, 2 + number % 7)
        masks = run / "masks" / spec / "s00"
        masks.mkdir(parents=True)
        for path in sorted((root / "Annotations/s00").iterdir()):
            write_labels(masks / path.name, np.roll(read_labels(path), rng.integers(-20, 20, 2), (0, 1)))
        held = tuple(np.cumsum([len(come) - len(gone) for gone, come in trace.events()]).tolist())
        for place in range(sequences):
            name = f"s{place:02d}"
            if place:
                masks.with_name(name).symlink_to(masks)
            series = [tuple(rng.random(FRAMES - 1).tolist()) for _ in (*ids, *ids)]
            half = Statistics(0.5, 0.5, 0)
            objects = tuple(
                ObjectRecord(i, FRAMES - 1, half, half, j, f, frame_names=tuple(NAMES[1:]))
                for i, j, f in zip(ids, series[::2], series[1::2], strict=True)
            )
            record = make_record(
                spec, name, position=number, latency_ms=(rng.random(FRAMES) + 50).tolist(), tokens=[1] * FRAMES
            )
            record = replace(record, dataset=info, suite={"dataset": "folder"}, scores=Scores("folder/1", objects))
            path = run / "records" / spec / f"{name}.json"
            write_record(path, replace(record, memory=Memory(held, GRID[0] * GRID[1], 1)))
            trace.write(path.with_suffix(".npz"))


def forgetful(rng: np.random.Generator, capacity: int) -> MemoryTrace:
    """Every fifth frame is written, and as many tokens leave at random as are too many."""
    size, held, changes = GRID[0] * GRID[1], np.zeros(0, np.int64), b""
    for t in range(FRAMES):
        now = held
        if t % 5 == 0:
            kept = np.sort(rng.permutation(held)[: (capacity - 1) * size])
            now = np.concatenate([kept, np.arange(t * size, (t + 1) * size)])
        changes += pack(runs_of(np.setdiff1d(held, now))) + pack(runs_of(np.setdiff1d(now, held)))
        held = now
    return MemoryTrace(GRID, (0.0, 0.0, float(GRID[1]), float(GRID[0])), FRAMES, changes)


def in_browser(page: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for path in (page, next(page.parent.glob("sequences/*.html"))):
            tab = browser.new_page()
            tab.goto(path.as_uri())
            tab.wait_for_load_state("networkidle")
            print(path.name, "opens in", tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        tab.evaluate("for (const box of document.querySelectorAll('#strategies input:not(:checked)')) box.click()")
        step = "(() => { const began = performance.now(); go(state.step + 1); return performance.now() - began; })()"
        print("another frame takes", [round(tab.evaluate(step)) for _ in range(5)])


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("sequences", type=int, nargs="?", default=30)
    sequences: int = parser.parse_args().sequences
    with tempfile.TemporaryDirectory() as folder:
        root, run, out = (Path(folder) / name for name in ("data", "run", "report"))
        make_data(root, sequences)
        make_run(run, root, sequences)
        began = time.process_time()
        page = build({run: read_run(run)}, out, jobs=1)
        print(f"CPU time of a page: {(time.process_time() - began) / sequences:.1f} s")
        sizes = [
            sum(f.stat().st_size for f in (*p.glob("*"), p.with_suffix(".html"))) for p in out.glob("sequences/*/")
        ]
        print(f"largest page: {(max(sizes) + sum(f.stat().st_size for f in out.glob('assets/*'))) / 1e6:.1f} MB")
        if shutil.which("chromium"):
            in_browser(page)


if __name__ == "__main__":
    begin(main)
