"""A training on a GPU that is lent for minutes: where a step's time goes, then as many steps as the time allows.

    vosbench pack FOLDER… --out data.tar.xz  # those that the configuration names
    python tests/gpu/lent_training.py --data data.tar.xz --seconds 400 --out DIR

DIR gets weights.safetensors, curve.csv and training.json. Everything here runs on a CPU too (`--device cpu`), smaller.
"""

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from gpu_check import make_importable

MEASURED = 60  # batches, after those that the loading processes had ready


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="what `vosbench pack` wrote")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("stcn-tiny-gpu.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=400, help="of the training, without what is measured before")
    parser.add_argument("--steps", type=int, help="so many instead, however long they take")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--size", type=int, help="side of the frames in pixels; default: the configuration's")
    parser.add_argument("--batch", type=int, help="clips of a step; default: the configuration's")
    return parser.parse_args()


class Lease:
    """Settings and what was found, written after each part."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        import torch

        from vosbench.errors import VosbenchError
        from vosbench.models.checkpoint import check_device
        from vosbench.training.files import needed, require_files
        from vosbench.training.packing import unpack
        from vosbench.training.stages import read_stages

        check_device(given.device)
        if not given.data.is_file():
            raise VosbenchError(f"{given.data} is no file", "give what `vosbench pack` wrote")
        stages = read_stages(given.config.resolve())
        if len(stages) > 1:
            raise VosbenchError(f"{given.config} has {len(stages)} stages", "give one: a lease is short")
        self.given, self.found = given, dict[str, Any]()
        given.out.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.config = dataclasses.replace(
            stages[0].config,
            device=given.device,
            workers=given.workers,
            **{k: v for k in ("size", "batch") if (v := getattr(given, k))},
        )
        on_gpu = given.device.startswith("cuda")
        self.wait = torch.cuda.synchronize if on_gpu else lambda: None
        self.note(device=torch.cuda.get_device_name() if on_gpu else "CPU", torch=torch.__version__)
        unpack(given.data.resolve(), self.folder / "data")
        os.chdir(self.folder / "data")
        try:
            require_files(needed(self.config, weights=True))
        except VosbenchError as error:
            hint = f"pack whatever {given.config} names: vosbench pack FOLDER… --out {given.data}"
            raise VosbenchError(error.message, hint) from None

    def note(self, **what: Any) -> None:
        print(json.dumps(what), flush=True)
        self.found |= what
        (self.given.out / "training.json").write_text(json.dumps(self.found, indent=1))

    def measure(self) -> float:
        """Clips per second of the loading processes alone and of the steps alone; the lower one counts."""
        from vosbench.training.mixture import batches, shares
        from vosbench.training.train import Trainer

        config = dataclasses.replace(self.config, steps=max(self.config.steps, 1000))  # whatever is trained for
        trainer = Trainer(config, self.folder / "measured")
        trainer.model.train()
        ready = 2 * config.workers  # each process prepares two batches ahead
        held, began = [], time.perf_counter()
        drawn = shares(0, ready + MEASURED + 1, config.batch, 0, 1)
        for i, (rgb, labels) in enumerate(batches(trainer.mixture, drawn, config.workers, pin=config.device != "cpu")):
            if len(held) < 8:
                held.append((rgb.to(config.device), labels.to(config.device)))
            if i == ready:
                self.note(seconds_to_first_batches=round(time.perf_counter() - began, 1))
                began = time.perf_counter()
            if i == ready + MEASURED:
                break
        data = MEASURED * config.batch / (time.perf_counter() - began)
        for batch in held[:3]:
            trainer._update(*batch)
        self.wait()
        began = time.perf_counter()
        for batch in held:
            trainer._update(*batch)
        self.wait()
        steps = len(held) * config.batch / (time.perf_counter() - began)
        self.note(clips_per_second_of_data=round(data, 1), clips_per_second_of_steps=round(steps, 1))
        self.profile(trainer, held[:3])
        return min(data, steps)

    def profile(self, trainer: Any, held: list[Any]) -> None:
        """Launches, share of the time that the device works, and the dearest kernels of a step."""
        import torch
        from torch.profiler import ProfilerActivity, profile

        on_gpu = self.config.device != "cpu"
        began = time.perf_counter()
        with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]) as found:
            for batch in held:
                trainer._update(*batch)
            self.wait()
        wall, events = time.perf_counter() - began, found.key_averages()
        attribute = "self_device_time_total" if on_gpu else "self_cpu_time_total"
        spent = {event.key[:80]: getattr(event, attribute) / 1e3 / len(held) for event in events}
        self.note(
            launches_a_step=sum(event.count for event in events if "LaunchKernel" in event.key) / len(held),
            ms_a_step_profiled=round(1000 * wall / len(held), 1),
            ms_a_step_busy=round(sum(spent.values()), 1),
            dearest_ms_a_step={k: round(spent[k], 2) for k in sorted(spent, key=lambda k: -spent[k])[:12]},
            peak_gb=round(torch.cuda.max_memory_allocated() / 1e9, 1) if on_gpu else None,
        )

    def train(self, clips_per_second: float) -> None:
        """As many steps as were asked for or as the seconds allow at 90% of the speed measured, but one at least."""
        from vosbench.training.training import train

        rate = 0.9 * clips_per_second / self.config.batch
        steps = max(1, self.given.steps or int(rate * self.given.seconds))
        config = dataclasses.replace(self.config, steps=steps, log_every=max(1, min(steps, int(60 * rate)) // 4))
        began = time.perf_counter()

        def show(step: int, loss: float, iou: float, speed: float, *_: object) -> None:
            seconds = time.perf_counter() - began
            print(f"step {step}/{steps} loss {loss:.4f} IoU {iou:.3f} {speed:.1f} clips/s {seconds:.0f} s", flush=True)

        weights = self.given.out / "weights.safetensors"
        train(config, self.folder / "trained", weights, progress=show)
        shutil.copy(self.folder / "trained" / "curve.csv", self.given.out)
        seconds = time.perf_counter() - began
        self.note(steps=steps, seconds=round(seconds, 1), clips_per_second=round(steps * config.batch / seconds, 1))


if __name__ == "__main__":
    given = arguments()
    given.out = given.out.resolve()
    os.environ.update(make_importable(Path(__file__).resolve().parents[2]))
    from vosbench.errors import VosbenchError

    with tempfile.TemporaryDirectory() as folder:
        try:
            lease = Lease(given, Path(folder))
            lease.train(lease.measure())
        except VosbenchError as error:
            print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
            sys.exit(2)
