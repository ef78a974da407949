"""The frame loop: from the first masks of a video's objects to a mask for every frame, under one strategy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.images import size_text
from vosbench.inference.reader import read_ahead
from vosbench.inference.references import TrueMasks, all_keys
from vosbench.inference.timing import StageClock
from vosbench.memory.bank import MemoryBank
from vosbench.memory.blame import blamed
from vosbench.memory.frame import FrameTokens, Segmentation
from vosbench.memory.match import Match
from vosbench.memory.policy import LookAhead, MemoryPolicy, Step, VideoInfo
from vosbench.models.base import FrameStep, Keys, Network, State, aggregate, joined
from vosbench.video import FirstMask, GroundTruth, Sequence


@dataclass(frozen=True)
class FrameTiming:
    """What a frame cost: seconds of each stage; tokens and bytes in the bank after it; objects followed.

    `tokens_per_frame` is what one frame of this video adds when it is written whole.
    """

    stages: dict[str, float]
    tokens: int
    tokens_per_frame: int
    memory_bytes: int
    objects: int

    @property
    def seconds(self) -> float:
        """All stages of the model; no file access."""
        return sum(self.stages.values())


@dataclass(frozen=True)
class Prediction:
    """What is predicted for one frame.

    mask uint8 [H,W] with the data set's own ids; prob float32 [O+1,H,W] on the model's device: background, then
    the objects in ascending order of id (0 for those that have not appeared yet).
    """

    frame_index: int
    mask: np.ndarray
    prob: Tensor
    timing: FrameTiming


def propagate(
    model: Network,
    sequence: Sequence,
    policy: MemoryPolicy,
    *,
    top_k: int | None = None,
    shorter_side: int | None = None,
    truth: GroundTruth | None = None,
) -> Iterator[Prediction]:
    """Segment a video frame by frame; nothing holds the whole of it.

    `top_k` memory tokens count for a query pixel (None: as many as the network is used with); `shorter_side` overrides
    the inference size of the sequence, in pixels. `truth` is for a reference that says that it needs it; nothing else
    sees it.
    Raises VosbenchError for frames or masks that cannot be read or differ in size and for a model in training mode;
    PolicyError, which names file, line and frame, for whatever a strategy raises or does wrong.
    """
    if model.training:
        raise VosbenchError("the model is in training mode, where it normalises by batch", "call model.eval() first")
    top_k = model.spec.top_k if top_k is None else top_k
    if top_k < 1:
        raise VosbenchError(f"top_k must be at least 1, not {top_k}", f"{model.spec.top_k} is the published value")
    shorter_side = shorter_side or sequence.shorter_side or model.spec.shorter_side
    run: _Video | None = None
    for index, rgb in enumerate(read_ahead(sequence.frames)):
        if run is None:
            run = _Video(model, sequence, policy, top_k, shorter_side, rgb, truth)
        yield run.advance(index, rgb)
    if run is not None:
        with run.asking("by the last frame"):
            run.bank.verify()


class _Video:
    """The state of one video between two frames."""

    def __init__(
        self,
        model: Network,
        sequence: Sequence,
        policy: MemoryPolicy,
        top_k: int,
        shorter_side: int | None,
        first: np.ndarray,
        truth: GroundTruth | None,
    ) -> None:
        self.model, self.sequence, self.policy, self.top_k = model, sequence, policy, top_k
        self.device = next(model.parameters()).device
        self.clock = StageClock(self.device)
        self.geometry = model.geometry(first.shape[0], first.shape[1], shorter_side)
        self.first_masks = {mask.frame_index: mask for mask in sequence.first_masks}
        self.groups: list[tuple[int, ...]] = []  # ids of each object group, in order of appearance
        self.last_write = 0
        self.state: State = {}  # recurrent state of the objects, before the frame
        self.joint: Tensor | None = None  # probabilities of the frame before, [O+1,H',W']
        self.bank = MemoryBank(
            model.spec, model.scores, self.geometry.tokens, self.device, partial(self.clock.stage, "write")
        )
        self.true_masks = TrueMasks(sequence, truth, self.geometry, self.device) if policy.needs_truth else None
        with self.asking("before the first frame"):
            policy.start(self._info(), self.bank)

    def _info(self) -> VideoInfo:
        """What the strategy may know beforehand: of the truth and the future only what it says that it needs."""
        info = VideoInfo(self.sequence.name, len(self.sequence.frames), self.geometry.tokens)
        if self.true_masks is not None:
            true_masks = self.true_masks
            info = replace(info, truth=lambda index: true_masks.planes(index, self._ids()))
        if self.policy.needs_future:
            tokens, queries = all_keys(self.model, self.sequence, self.geometry, self.device)
            annotated = tuple(self.first_masks)
            info = replace(info, future=LookAhead(tokens, queries, annotated, self.top_k, self.model.scores))
        return info

    def _ids(self) -> tuple[int, ...]:
        """The objects followed so far, in order of appearance."""
        return tuple(i for group in self.groups for i in group)

    @contextmanager
    def asking(self, when: str) -> Iterator[None]:
        """Time what the strategy does, and blame it for what goes wrong."""
        with blamed(self.policy, f"{self.sequence.name}, {when}"), self.clock.stage("policy"):
            yield

    @torch.inference_mode()
    def advance(self, index: int, rgb: np.ndarray) -> Prediction:
        """Segment frame `index`, and remember it if the strategy wants to."""
        if rgb.shape[:2] != self.geometry.original:
            raise VosbenchError(
                f"frame {self.sequence.frames[index].name} of {self.sequence.name} is {size_text(rgb.shape)}, "
                f"the frames before it {size_text(self.geometry.original)}",
                "all frames of a video must have one size",
            )
        first_mask = self.first_masks.get(index)
        if first_mask is None and not self.groups:
            return self._predict(index, None)
        new = None if first_mask is None else self._load(first_mask)  # a file: outside every clock
        frame = self.geometry.prepare(rgb, self.device)
        with self.clock.stage("encode_key"):
            features = self.model.encode(frame)
            tokens = self.model.tokens(features)
        last = index == len(self.sequence.frames) - 1
        groups = tuple(map(len, self.groups))
        now = FrameStep(index, index - self.last_write, first_mask is not None, last, groups)
        match, before, state = None, self.state, self.state
        joint = torch.ones(1, *frame.shape[-2:], device=self.device)
        if self.groups:
            logits, state, match = self._segment(features, now)
            with self.clock.stage("aggregate"):
                joint = self.model.aggregate(logits)
        if first_mask is not None and new is not None:
            with self.clock.stage("aggregate"):
                joint = self._introduce(first_mask, new, joint[1:])
            fresh = self.model.start(len(new), features)
            before, state = joined(before, fresh), joined(state, fresh)
        step = Step(index, self.last_write, Segmentation(joint[1:], self.geometry.stride), now.annotated)
        if match is not None:
            with self.asking(f"frame {index}"):
                self.policy.observe(replace(match, segmentation=step.segmentation))
        self.state = self._remember(step, now, frame, tokens, features, before, state)
        self.joint = joint
        return self._predict(index, joint)

    def _segment(self, features: Any, now: FrameStep) -> tuple[Tensor, State, Match]:
        """Read the memory and decode: logits of every object, [O,H',W'], its state, and the statistics of the read."""
        assert self.joint is not None  # there was a frame before
        with self.clock.stage("read"):
            query = self.model.query(features)
            with blamed(self.policy, f"{self.sequence.name}, frame {now.frame}"):
                readouts, match = self.bank.read(now.frame, query, self.top_k)
            readout = torch.cat(readouts, 1).permute(1, 2, 0).unflatten(2, self.geometry.grid)
        with self.clock.stage("decode"):
            logits, state = self.model.decode(readout, features, self.state, self.joint[1:], now)
        return logits, state, match

    def _load(self, first_mask: FirstMask) -> Tensor:
        """The masks of the objects that appear now, [O,H',W']."""
        planes = first_mask.load()
        if planes.shape[1:] != self.geometry.original:
            raise VosbenchError(
                f"the first mask of {self.sequence.name} is {size_text(planes.shape[1:])}, "
                f"its frames {size_text(self.geometry.original)}",
                "masks must have the size of the frames",
            )
        return self.geometry.prepare_masks(planes, self.device)

    def _introduce(self, first_mask: FirstMask, new: Tensor, masks: Tensor) -> Tensor:
        """Joint probabilities with the `new` objects; under their masks the others' become 0 first."""
        self.groups.append(first_mask.object_ids)
        self.bank.add_group(first_mask.frame_index, len(first_mask.object_ids))
        return aggregate(torch.cat([masks * (1 - new.amax(0)), new])).softmax(0)

    def _remember(
        self, step: Step, now: FrameStep, frame: Tensor, tokens: Keys, features: Any, before: State, state: State
    ) -> State:
        """Encode and write a frame that is annotated or admitted, unless no frame is left that could read it; returns
        the state that holds for the next frame.
        """
        if now.last:
            return before
        with self.asking(f"frame {step.frame}"):
            if not step.annotated and not self.policy.admit(step):
                return state
            segmentation = self._written_as(step)
        with self.clock.stage("encode_value"):
            values, state = self.model.encode_value(frame, features, segmentation.masks, before, state, now)
            values = values.flatten(2).permute(2, 0, 1)
        with self.asking(f"frame {step.frame}"):
            by_group = values.split([len(ids) for ids in self.groups], 1)
            written = FrameTokens(step.frame, tokens.key, by_group, step.annotated, segmentation, tokens.extras)
            self.policy.write(written)
        self.last_write = step.frame
        return state

    def _written_as(self, step: Step) -> Segmentation:
        """The masks from which the strategy wants the values of a frame to be encoded."""
        masks, predicted = self.policy.masks(step), step.segmentation
        if masks is predicted.masks:
            return predicted
        if masks.shape != predicted.masks.shape:
            wanted, found = tuple(predicted.masks.shape), tuple(masks.shape)
            raise VosbenchError(f"masks gives {found}, where {wanted} are predicted", "give one soft mask an object")
        return Segmentation(masks.to(predicted.masks.dtype), predicted.stride)

    def _predict(self, index: int, joint: Tensor | None) -> Prediction:
        """Bring the joint probabilities [O+1,H',W'] to the video's own size and ids."""
        ids = self._ids()
        with self.clock.stage("output"):
            if joint is None:
                prob = torch.zeros(1, *self.geometry.original, device=self.device)
                prob[0] = 1
            else:
                prob = self.geometry.restore(joint)
            lookup = torch.tensor([0, *ids], dtype=torch.uint8, device=self.device)
            mask = lookup[prob.argmax(0)].cpu().numpy()
        every = self.sequence.object_ids
        ordered = prob.new_zeros(1 + len(every), *prob.shape[1:])
        ordered[[0, *(1 + every.index(i) for i in ids)]] = prob
        timing = FrameTiming(self.clock.take(), self.bank.count, self.geometry.tokens, self.bank.nbytes, len(ids))
        return Prediction(index, mask, ordered, timing)
