"""Trains the shared model on clips of three frames: the second and the third are segmented from predictions."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from vosbench.memory.attention import dense_read
from vosbench.models.checkpoint import check_device, load_model
from vosbench.models.stcn import CONFIGS, MEAN, STCN, STD, aggregate
from vosbench.training.clips import OBJECTS, ClipStream
from vosbench.training.config import TrainConfig
from vosbench.training.loss import bootstrapped_cross_entropy, hardest_share
from vosbench.training.state import read_state, write_state

Progress = Callable[[int, float, float], None]  # step, loss, IoU


def segment_clip(model: STCN, rgb: Tensor, labels: Tensor) -> list[Tensor]:
    """Logits of the second and third frame, each [B,3,S,S], given the masks of the first.

    rgb uint8 [B,3,3,S,S] (clip, frame, channel), labels uint8 [B,3,S,S]. The second frame's value comes from its
    prediction; the third frame reads both. Planes of absent objects are kept at probability 0.
    """
    mean, std = (rgb.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (MEAN, STD))
    frames = (rgb.float() / 255 - mean) / std
    first = torch.stack([(labels[:, 0] == i + 1).float() for i in range(OBJECTS)], 1)
    present = first.amax((2, 3), keepdim=True)
    features = model.encode_key(frames.flatten(0, 1))
    by_frame = [type(features)(*(f.unflatten(0, (-1, 3))[:, t] for f in features)) for t in range(3)]
    keys = [f.key.flatten(2).mT for f in by_frame]  # [B,hw,CK]
    mask, values, logits = first, [], []
    for t in (1, 2):
        value = model.encode_value(frames[:, t - 1], by_frame[t - 1].f16, mask)
        values.append(value.flatten(3))  # [B,O,CV,hw]
        memory = torch.cat(values, 3).flatten(1, 2).mT  # [B,N,O*CV]
        read = dense_read(torch.cat(keys[:t], 1), keys[t], memory)
        read = read.mT.unflatten(2, value.shape[-2:]).unflatten(1, (OBJECTS, -1))
        joint = aggregate(torch.sigmoid(model.decode(read, by_frame[t])) * present)
        logits.append(joint)
        mask = joint.softmax(1)[:, 1:]
    return logits


@torch.no_grad()
def mean_iou(logits: Tensor, labels: Tensor) -> float:
    """Intersection over union of the objects in one frame, averaged over those that are in either mask."""
    predicted = logits.argmax(1)
    scores = []
    for i in range(1, logits.shape[1]):
        p, g = predicted == i, labels == i
        union = (p | g).sum((1, 2))
        scores.append(((p & g).sum((1, 2)) / union)[union > 0])
    return torch.cat(scores).mean().item()


class Trainer:
    """One training run in one folder; started again, it goes on from its last checkpoint.

    Raises VosbenchError for a device that is not there, and a folder whose checkpoint cannot be gone on from.
    """

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self.config, self.folder, self.step = config, folder, 0
        check_device(config.device)
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.model = STCN(CONFIGS[config.model]).to(config.device).train()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, config.learning_rate, total_steps=config.steps, pct_start=config.warmup
        )
        folder.mkdir(parents=True, exist_ok=True)
        if config.initial and not self.checkpoint.exists():
            self.model.load_state_dict(load_model(config.initial, config.device).state_dict())
        if self.checkpoint.exists():
            state = read_state(self.checkpoint, config.device)
            config.check_same_training(state["config"], self.checkpoint)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.step = state["step"]

    @property
    def checkpoint(self) -> Path:
        return self.folder / "last.pt"

    def save(self) -> None:
        """Write everything needed to go on."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
            "config": self.config.as_dict(),
        }
        write_state(self.checkpoint, state)

    def batches(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """The clips of the steps that remain, in the order of their numbers."""
        config = self.config
        stream = ClipStream(
            config.size,
            config.steps * config.batch,
            config.seed,
            config.max_gap,
            Path(config.photos) if config.photos else None,
        )
        rest = Subset(stream, range(self.step * config.batch, len(stream)))
        return DataLoader(rest, config.batch, num_workers=config.workers, persistent_workers=False)

    def run(self, progress: Progress) -> None:
        """Train to the last step, logging to curve.csv: step, loss, IoU of the third frame, seconds per step."""
        config, started = self.config, time.perf_counter()
        path = self.folder / "curve.csv"
        logged = list(csv.reader(path.read_text().splitlines())) if path.exists() else []
        with path.open("w", newline="") as file:
            curve = csv.writer(file)
            curve.writerows(row for row in logged if row and int(row[0]) <= self.step)  # the others come again
            file.flush()
            for rgb, labels in self.batches():
                loss, iou = self._update(rgb.to(config.device), labels.to(config.device))
                self.step += 1
                if self.step % config.log_every == 0:
                    seconds = (time.perf_counter() - started) / config.log_every
                    started = time.perf_counter()
                    curve.writerow([self.step, f"{loss:.4f}", f"{iou:.4f}", f"{seconds:.3f}"])
                    file.flush()
                    progress(self.step, loss, iou)
                if self.step % config.checkpoint_every == 0 or self.step == config.steps:
                    self.save()

    def _update(self, rgb: Tensor, labels: Tensor) -> tuple[float, float]:
        config = self.config
        share = hardest_share(self.step, config.bootstrap_start, config.bootstrap_end)
        logits = segment_clip(self.model, rgb, labels)
        losses = [
            bootstrapped_cross_entropy(x, labels[:, t].long(), share) for t, x in zip((1, 2), logits, strict=True)
        ]
        loss = torch.stack(losses).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_norm)
        self.optimizer.step()
        self.schedule.step()
        return loss.item(), mean_iou(logits[-1], labels[:, 2])
