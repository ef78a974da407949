"""The steps of `gpu_check` that measure: what a frame costs of STCN at full size under the paper's strategies, and of
the published code; what many strategies cost together; and what a frame costs late in a long video.
"""

import statistics
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from clips import PAPER, clip
from variants import VARIANTS, Variant, made

from vosbench.inference.propagate import propagate
from vosbench.inference.session import Session
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
from vosbench.models.checkpoint import load_model
from vosbench.video import Sequence

if TYPE_CHECKING:
    from gpu_check import Check

LAUNCHES = {"cudaLaunchKernel", "cuLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernelEx"}


class Bench:
    """Clips and network for one `Check`."""

    def __init__(self, check: "Check") -> None:
        self.check = check
        self.config = "stcn-tiny" if check.tiny else "stcn"
        self.frames, self.height, self.width = (6, 48, 80) if check.tiny else (100, 480, 854)
        self.warmup = 2 if check.tiny else 12
        self.shipped: dict[tuple[int, str], np.ndarray] = {}  # masks, to compare with

    def speed(self) -> dict[str, Any]:
        """Times and peak memory of every variant, by objects and strategy."""
        names = [f"{how} | {objects} | {spec}" for how in self._variants() for objects in (1, 3) for spec in PAPER]
        return self.check.rows(names, 35, self._row)

    def _row(self, name: str) -> dict[str, Any]:
        variant, objects, spec = name.split(" | ")
        sequence = self._sequence(self.frames, int(objects))
        with made(self.config, self.check.device, VARIANTS[variant]) as model:
            for _ in islice(propagate(model, sequence, load_policy(spec)), 3):
                pass  # here the libraries choose their kernels
            row, masks = self._measure(model, spec, sequence)
        known = self.shipped.setdefault((int(objects), spec), masks)
        return row | {"pixels as shipped": round(float((known == masks).mean()), 5)}

    def _measure(self, model: Network, spec: str, sequence: Sequence) -> tuple[dict[str, Any], np.ndarray]:
        on_gpu, device = self.check.on_gpu, self.check.device
        if on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        seconds: list[float] = []
        stages: Counter[str] = Counter()
        masks, began = [], 0.0
        for t, one in enumerate(propagate(model, sequence, load_policy(spec))):
            masks.append(one.mask)
            if t == self.warmup:
                self.check.wait()
                began = time.perf_counter()
            elif t > self.warmup:
                seconds.append(one.timing.seconds)
                stages.update(one.timing.stages)
        self.check.wait()
        wall, frames, spare = time.perf_counter() - began, len(seconds), getattr(model.graphs, "spare", 0)
        return {
            "model fps": round(frames / sum(seconds), 2),
            "wall fps": round(frames / wall, 2),
            "median ms": round(1000 * statistics.median(seconds), 3),
            "last ms": round(1000 * seconds[-1], 3),
            "stages ms": {stage: round(1000 * value / frames, 3) for stage, value in stages.items()},
            "peak MB": round((torch.cuda.max_memory_allocated(device) + spare) / 1e6) if on_gpu else None,
        }, np.stack(masks)

    def together(self) -> dict[str, Any]:
        """Several strategies at once, against each of them alone."""
        from bench_lockstep import moving, seconds, strategies

        sequence, truth = moving(self.frames // 4 + 1, (self.height, self.width), 1)
        with made(self.config, self.check.device, Variant()) as model:

            def row(count: int) -> dict[str, float]:
                measured = [seconds(model, sequence, truth, strategies(count), self._clock) for _ in range(2)]
                alone, all_of_them, alike = measured[-1]  # in the first the libraries choose their kernels
                return {"times one": round(all_of_them / alone, 2), "pixels as alone": round(float(alike), 5)}

            return self.check.rows((3, 8, 21), 20, row)

    def length(self) -> dict[str, Any]:
        """Frames that are pushed one by one, 120x216 pixels, of stcn-tiny: what they cost early and late."""
        frames, size = (24, (48, 64)) if self.check.tiny else (2000, (120, 216))
        rgb, labels = clip(48, *size, 1)
        model = load_model("stcn-tiny", self.check.device)

        def row(spec: str) -> dict[str, Any]:
            session, spent = Session(model, load_policy(spec), timed=False), []
            for t in range(frames):
                began = self._clock()
                session.step(rgb[t % 48], None if t else labels[0]).late.read()
                spent.append(1000 * (self._clock() - began))
            early, late = (statistics.median(part) for part in (spent[frames // 20 :][:50], spent[-50:]))
            return {"early ms": round(early, 3), "late ms": round(late, 3)}

        return self.check.rows((PAPER[2], PAPER[0]), 20, row)

    def published(self) -> str | dict[str, str]:
        """The published code, in the folder that was given, on the same random weights."""
        folder = self.check.given.published
        if folder is None:
            print("not asked for: --published FOLDER")
            return "not asked for: --published FOLDER"
        script = Path(__file__).parents[1] / "benchmarks" / "bench_engine.py"
        words = ["--published", folder, "--device", self.check.device.type, "--frames", self.frames, "--turns", 3]
        size = (96, 128) if self.check.tiny else (self.height, self.width)  # it needs 20 tokens
        words += ["--size", *size, "--model", "stcn"]
        command = [sys.executable, str(script), *map(str, words)]
        limit, environment = max(20.0, self.check.left() - 5), self.check.subprocess_environment
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment, check=False)
        print(done.stdout[-1500:] + done.stderr[-500:])
        return done.stdout if done.returncode == 0 else {"error": done.stderr[-500:]}

    def _variants(self) -> list[str]:
        """Those in whose precision the device computes."""
        on_gpu = self.check.on_gpu
        return [name for name, how in VARIANTS.items() if on_gpu or how.precision in ("fp32", "bf16")]

    def _clock(self) -> float:
        self.check.wait()
        return time.perf_counter()

    def profile(self) -> dict[str, Any]:
        """Five frames of lfu with all that is launched."""
        return self.check.rows(self._variants()[:4], 15, self._profile)

    def _profile(self, variant: str) -> dict[str, Any]:
        on_gpu, frames = self.check.on_gpu, 5
        activities = [torch.profiler.ProfilerActivity.CPU]
        activities += [torch.profiler.ProfilerActivity.CUDA] if on_gpu else []
        with made(self.config, self.check.device, VARIANTS[variant]) as model:
            stream = propagate(model, self._sequence(self.warmup + frames + 1, 1), load_policy("lfu:capacity=2"))
            for _ in islice(stream, self.warmup):
                pass
            self.check.wait()
            began = time.perf_counter()
            with torch.profiler.profile(activities=activities) as profiler:
                for _ in islice(stream, frames):
                    pass
                self.check.wait()
            wall = time.perf_counter() - began
        events = profiler.key_averages()
        own = "self_device_time_total" if on_gpu else "self_cpu_time_total"
        dearest = sorted(events, key=lambda event: -getattr(event, own))[:12]
        return {
            "launches a frame": sum(event.count for event in events if event.key in LAUNCHES) / frames,
            "ms a frame, profiled": round(1000 * wall / frames, 2),
            "share of it busy": round(sum(getattr(event, own) for event in events) / 1e6 / wall, 3),
            "dearest, ms a frame": {event.key[:70]: round(getattr(event, own) / 1000 / frames, 3) for event in dearest},
        }

    def _sequence(self, frames: int, objects: int) -> Sequence:
        rgb, labels = clip(frames, self.height, self.width, objects)
        return Sequence.from_arrays(rgb, {0: labels[0]})
