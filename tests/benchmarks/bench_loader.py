"""How much faster clips are prepared than a training learns from them: CPU seconds of both, in one process.

    python tests/benchmarks/bench_loader.py stcn-tiny --folder DATA --batch 4

DATA is the folder in which that training is started. Where the ratio is above 1, one loading process keeps the steps of
one core busy; a GPU wants as many processes as its steps are faster.
"""

import dataclasses
import os
import tempfile
import time
from pathlib import Path

import cv2
import torch
from usage import Arguments, begin

from vosbench.training.stages import read_stages
from vosbench.training.train import Trainer

WARM, CLIPS, STEPS = 4, 40, 3


def main() -> None:
    parser = Arguments(__doc__)
    parser.add_argument("config", help="as `vosbench train` takes it; its last stage, from the bundled weights")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--batch", type=int, default=4)
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"{given.folder} is no folder")
    os.chdir(given.folder)
    cv2.setNumThreads(0)  # as in the loading processes
    config = read_stages(given.config)[-1].config
    config = dataclasses.replace(config, initial=config.model, batch=given.batch, workers=0, threads=1, device="cpu")
    trainer = Trainer(config, Path(tempfile.mkdtemp()))
    trainer.model.train()
    clips, count = [trainer.mixture[number] for number in range(WARM)], max(CLIPS, 2 * config.batch)
    began = time.process_time()
    clips += [trainer.mixture[number] for number in range(WARM, WARM + count)]
    clip = (time.process_time() - began) / count
    pairs = [
        (torch.stack([a[0] for a in part]), torch.stack([a[1] for a in part])) for part in _parts(clips, config.batch)
    ]
    trainer._update(*pairs[0])
    began = time.process_time()
    for number in range(STEPS):
        trainer._update(*pairs[1 + number % (len(pairs) - 1)])
    step = (time.process_time() - began) / STEPS
    print(f"{clip:.3f} s a clip, {step:.2f} s a step of {config.batch}: ratio {step / (clip * config.batch):.1f}")


def _parts(clips: list, size: int) -> list[list]:
    return [clips[i : i + size] for i in range(0, len(clips) - size + 1, size)]


if __name__ == "__main__":
    begin(main)
