"""The steps of `gpu_check` that measure: what a frame of STCN at full size costs under the paper's strategies."""

import statistics
import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from clips import PAPER, clip
from variants import VARIANTS, made

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.base import Network
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
        names = [f"{variant} | {objects} | {spec}" for variant in VARIANTS for objects in (1, 3) for spec in PAPER]
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
        wall, frames = time.perf_counter() - began, len(seconds)
        return {
            "model fps": round(frames / sum(seconds), 2),
            "wall fps": round(frames / wall, 2),
            "median ms": round(1000 * statistics.median(seconds), 3),
            "last ms": round(1000 * seconds[-1], 3),
            "stages ms": {stage: round(1000 * value / frames, 3) for stage, value in stages.items()},
            "peak MB": round(torch.cuda.max_memory_allocated(device) / 1e6) if on_gpu else None,
        }, np.stack(masks)

    def profile(self) -> dict[str, Any]:
        """Five frames of lfu with all that is launched."""
        return self.check.rows(list(VARIANTS)[:3], 15, self._profile)

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
