"""Trains the shared model on clips of three frames."""

import copy
import itertools
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vosbench.bench.lock import locked
from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import check_device
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.training.averaging import WeightAverage
from vosbench.training.bounds import differences
from vosbench.training.config import TrainConfig
from vosbench.training.distributed import Process
from vosbench.training.files import needed, require_files
from vosbench.training.freezing import freeze, freeze_batch_norm
from vosbench.training.initial import set_initial_weights
from vosbench.training.log import Curve
from vosbench.training.loss import bootstrapped_cross_entropy, hardest_share, soft_dice_loss, soft_jaccard_loss
from vosbench.training.mixture import Mixture, batches, shares
from vosbench.training.optimise import build_optimizer, build_schedule
from vosbench.training.precision import half_precision
from vosbench.training.regularisation import TrainingRead
from vosbench.training.segment import ClipSegmenter, mean_iou
from vosbench.training.stages import Place
from vosbench.training.state import check_parts, is_finite, read_state, restart_hint, write_state
from vosbench.training.validate import Validation

# step, loss, IoU, clips per second of all processes together, J&F where the step was validated, name of the stage
Progress = Callable[[int, float, float, float, float | None, str], None]


class Trainer:
    """One training, or a stage of one, in one folder; started again, it goes on from its last checkpoint.

    Everything random is a function of the seed and the step, so a training that was stopped ends with the weights, the
    best checkpoint and the log that it would have had, to the last bit on a CPU. `process` is this process where
    several train together; `place` is that of a stage, whose log is that of the whole training, a folder above. One
    that has ended asks for no data.

    Raises VosbenchError for a device that is not there, data that cannot be trained on, initial weights that do not
    fit, and a folder whose checkpoint cannot be gone on from.
    """

    def __init__(
        self, config: TrainConfig, folder: Path, process: Process | None = None, place: Place | None = None
    ) -> None:
        self.place = place = place or Place()
        told, start = place.read()
        if told:
            config = replace(config, initial=told)
        self.config, self.folder, self.step, self.best = config, folder, 0, float("-inf")
        self.checkpoint = folder / "last.pt"  # the last step that was saved
        self.best_checkpoint = folder / "best.pt"  # the one with the highest J&F in validation, if there is any
        self.process = process or Process(check_device(config.device))
        self.device = self.process.device
        self.share = self.process.share_of(config.batch)
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self._found = _stamp(self.checkpoint)
        self._aside: Path | None = None  # where the best of another validation goes with the first save
        self.model = STCN(CONFIGS[config.model])
        state = None
        if self.checkpoint.exists():
            state = read_state(self.checkpoint)  # on the CPU: Adam counts its steps there, or each would be waited for
            config.check_same_training(state["config"], self.checkpoint)
            if state["step"] > config.end:
                told = f"{self.checkpoint} is at step {state['step']}, but the training is to end at {config.end}"
                raise VosbenchError(told, "choose an empty folder, or a later stop_at")
        self.validation: Validation | None = None
        if state is None or state["step"] < config.end:
            require_files(needed(config, weights=state is None and not place.start))
            self.mixture = Mixture.open(config)
            if config.validation and self.process.is_first:
                self.validation = Validation(config.validation)
        if state is None:
            set_initial_weights(self.model, config, start)
        self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        freeze(self.model, config.frozen)
        freeze_batch_norm(self.model, config.frozen_batch_norm)
        self.optimizer = build_optimizer(self.model, config)
        self.schedule = build_schedule(self.optimizer, config)
        self.half = half_precision(config.precision, self.device)
        # From PyTorch's scale of 65536 the gradients of the first steps overflow, and those steps would be lost.
        self.scaler = torch.amp.GradScaler(self.device.type, init_scale=1024.0, enabled=self.half is torch.float16)
        self.average = WeightAverage(self.model, config.average) if config.average else None
        if state is not None:
            self._load(state)
        read = TrainingRead(config.affinity_dropout, config.reallocation)
        self.segmenter = ClipSegmenter(self.model, config.objects, read, config.spoiled)
        self.parallel = self.process.parallel(self.segmenter)

    @property
    def best_or_last(self) -> Path:
        """The best checkpoint where this training keeps it and has one, else the last."""
        return self.best_checkpoint if self.best > float("-inf") else self.checkpoint

    @property
    def _parts(self) -> dict[str, Any]:
        """Those whose states a checkpoint holds."""
        return {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule, "scaler": self.scaler}

    def save(self, path: Path) -> None:
        """Write everything needed to go on. Raises VosbenchError where some of it is not finite, and writes nothing."""
        state = {name: part.state_dict() for name, part in self._parts.items()}
        config = {name: value for name, value in asdict(self.config).items() if name != "stop_at"}  # `step` tells it
        state |= {"best": self.best, "step": self.step, "config": config}
        if self.average:
            state["average"] = self.average.state
        if part := next((name for name in ("model", "average", "optimizer") if not is_finite(state.get(name))), ""):
            raise _diverged(f"the {part} is not finite", self.step)
        if self._aside and self.best_checkpoint.is_file():
            self.best_checkpoint.replace(self._aside)
        self._aside = None
        write_state(path, state)
        self._found = _stamp(self.checkpoint)

    def _load(self, state: dict[str, Any]) -> None:
        check_parts(self.checkpoint, state, self._parts)
        try:
            for name, part in self._parts.items():
                if state.get(name):  # the scaler's is empty where precision is full
                    part.load_state_dict(state[name])
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:  # what PyTorch's parts raise
            reason = " ".join(str(error).split())[:200]
            raise VosbenchError(f"{self.checkpoint} is damaged: {reason}", restart_hint(self.checkpoint)) from None
        self.step = state["step"]
        self.best = self._best_in(state)
        if self.average:
            self.average.load(state["average"], self.step)

    def _best_in(self, state: dict[str, Any]) -> float:
        """The highest J&F so far. None counts, and a warning says so, where another validation gave it: scores of two
        splits, say, cannot be compared. Nor where best.pt is gone. Where no step is left, nothing is changed.
        """
        best, none = state.get("best", self.best), float("-inf")
        before, now = state["config"].get("validation") or {"keep_best": False}, {"keep_best": False}
        if self.config.validation:
            now = asdict(self.config.validation) | {"every": before.get("every")}  # how often makes no difference
        other = differences({"validation": before}, {"validation": now})
        there, ended = self.best_checkpoint.is_file(), self.step == self.config.end
        why = ""
        if there and other:
            why = f"was chosen by another validation ({other}): "
            if ended:
                why += f"no step is left to choose by this one, so it stays, and {self.checkpoint.name} is exported"
            else:
                self._aside = _free(self.folder)
                why += (
                    f"it is kept as {self._aside.name} and is not exported; J&F in curve.csv up to step {self.step} is "
                    "of that validation"
                )
        elif best > none and not there:
            why = f"is gone: {f'{self.checkpoint.name} is exported' if ended else 'the best is sought anew'}"
        if why and self.process.is_first:
            warnings.warn(f"{self.best_checkpoint} {why}", stacklevel=2)
        return none if why or not now["keep_best"] else best

    def run(self, progress: Progress | None = None) -> None:
        """Train to `config.end`. The first process reports, logs to curve.csv (see `COLUMNS`) and saves; all know then
        what was best.

        Raises VosbenchError for whatever is wrong with the clips, if a file cannot be written, and if another process
        trains in the folder, or has done since this training was read.
        """
        with ExitStack() as held:
            if self.process.is_first:
                try:
                    held.enter_context(locked(self.folder))
                except OSError as error:
                    why = f"cannot write {error.filename or self.folder}: {error.strerror or error}"
                    raise VosbenchError(why, "choose another folder (--out)") from None
                if _stamp(self.checkpoint) != self._found:
                    told = f"another process has trained in {self.folder} meanwhile"
                    raise VosbenchError(told, "start again: the training goes on")
            self._run(progress)
        self.best = self.process.of_first(self.best)

    def _run(self, progress: Progress | None) -> None:
        config, first = self.config, self.process.is_first
        if self.step == config.end:
            return  # what has ended stays as it is
        folder = self.folder.parent if self.place.name else self.folder
        curve = Curve(folder / "curve.csv", self.step, self.place.name, self.place.names) if first else None
        numbers = shares(self.step, config.end, self.share, self.process.rank, self.process.count)
        judged = config.validation.told if config.validation else ""
        self._train_mode()
        since, started = self.step, time.perf_counter()
        saved = time.monotonic()
        with closing(batches(self.mixture, numbers, config.workers, pin=self.device.type == "cuda")) as drawn:
            for rgb, labels in drawn:
                measured = self._update(*(given.to(self.device, non_blocking=True) for given in (rgb, labels)))
                self.step += 1
                validates = config.validation is not None and (
                    self.step % config.validation.every == 0 or self.step == config.steps
                )
                late = config.save_minutes and time.monotonic() - saved >= 60 * config.save_minutes
                saves = self.step % config.checkpoint_every == 0 or self.step == config.end or late
                if (saves or validates) and not measured[0].isfinite():
                    raise _diverged(f"the loss is {measured[0].item()}", self.step)
                if self.step % config.log_every == 0 or validates:
                    loss, iou = self.process.mean(measured).tolist()
                    seconds = (time.perf_counter() - started) / (self.step - since)
                    if curve is not None:
                        best = self.best
                        score = self._validate() if validates else None
                        saves = saves or self.best > best  # so that the last is never older than the best
                        curve.add(self.step, loss, iou, seconds, score, judged)
                        if progress:
                            progress(self.step, loss, iou, config.batch / seconds, score, self.place.name)
                    since, started = self.step, time.perf_counter()
                if first and saves:
                    self.save(self.checkpoint)
                    saved = time.monotonic()

    def _train_mode(self) -> None:
        self.model.train()
        freeze_batch_norm(self.model, self.config.frozen_batch_norm)

    def _validate(self) -> float:
        assert self.validation is not None
        model = self.model
        if self.average:
            model = copy.deepcopy(self.model)
            model.load_state_dict(self.average.state)
        score = self.validation.j_and_f(model)
        self._train_mode()
        if score > self.best and self.validation.keep_best:
            self.best = score
            self.save(self.best_checkpoint)
        return score

    def _update(self, rgb: Tensor, labels: Tensor) -> Tensor:
        """One step of the optimiser; loss and IoU of the third frame, float64 [2], of this process's clips."""
        config = self.config
        self.segmenter.generator.manual_seed((config.seed * config.steps + self.step) * 1024 + self.process.rank)
        with torch.autocast(self.device.type, self.half or torch.bfloat16, enabled=self.half is not None):
            logits = self.parallel(rgb, labels)
        loss = self._loss(logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if config.gradient_norm:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        if self.average:
            self.average.update(self.model)
        return torch.stack([loss.detach().double(), mean_iou(logits[-1], labels[:, -1]).double()])

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Of the second and third frame: logits [2,B,O+1,S,S], labels uint8 [B,3,S,S] -> []."""
        config = self.config
        share = hardest_share(self.step, config.bootstrap_start, config.bootstrap_end, config.bootstrap_final)
        pairs = [(logits[t - 1], labels[:, t].long()) for t in range(1, labels.shape[1])]
        losses = [bootstrapped_cross_entropy(*pair, share) for pair in pairs]
        for weight, loss in ((config.jaccard, soft_jaccard_loss), (config.dice, soft_dice_loss)):
            if weight:
                losses += [weight * loss(*pair) for pair in pairs]
        return torch.stack(losses).sum() / len(pairs)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Tells one state of a file from another; None: it is not there."""
    return (found.st_mtime_ns, found.st_ino) if path.exists() and (found := path.stat()) else None


def _diverged(what: str, step: int) -> VosbenchError:
    return VosbenchError(f"{what} at step {step}", "lower learning_rate, in an empty folder")


def _free(folder: Path) -> Path:
    """best-before.pt, or best-before-2.pt and so on: the first that is not there."""
    names = (f"best-before{f'-{number}' if number > 1 else ''}.pt" for number in itertools.count(1))
    return next(folder / name for name in names if not (folder / name).exists())
