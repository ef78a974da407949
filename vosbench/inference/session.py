"""A video whose frames are pushed one by one. Under a bounded strategy no frame costs more than those before it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from weakref import ref

import numpy as np
import torch
from torch import Tensor

from vosbench.base.values import Count, Side, checked
from vosbench.base.words import size_in_bytes
from vosbench.errors import SequenceError, VosbenchError
from vosbench.images import check_frame, size_text
from vosbench.inference.given import Masks, object_masks
from vosbench.inference.lockstep import Decode, Driver, EncodeValue, Frame, Steps, taken
from vosbench.inference.output import LateMask, Prediction, by_rows, most_probable
from vosbench.inference.room import Needs, Room, enough, in_megabytes
from vosbench.inference.timing import FrameTiming, StageClock
from vosbench.memory.attention import Scratch
from vosbench.memory.bank import MemoryBank
from vosbench.memory.frame import FrameTokens, Segmentation
from vosbench.memory.match import Match
from vosbench.memory.policy import LookAhead, MemoryPolicy, VideoInfo
from vosbench.memory.session import VideoMemory
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.memory.store import LimitError
from vosbench.models.base import FrameStep, Network, State, aggregate, joined
from vosbench.models.checkpoint import load_model
from vosbench.models.geometry import Geometry
from vosbench.video import ObjectMasks, inference_side

_AHEAD = 1e-3  # by which the logit of an object is above that of one beneath it
Truth = Callable[[int, tuple[int, ...]], Tensor]  # of a frame and ids: true masks, float32 [O,H',W']


@dataclass(frozen=True)
class Foreknowledge:
    """What is known of a video before its first frame, where all of it lies there: the names of its frames, the ids of
    all objects, and, for a reference that says that it needs them, true masks and the reads to come.
    """

    frames: tuple[str, ...]
    object_ids: tuple[int, ...]
    truth: Callable[[Geometry], Truth]
    future: Callable[[Geometry], LookAhead]


class Session:
    """Segments frames as they come, under one strategy; `step` takes the next one.

    `top_k` memory tokens count for a query pixel (None: as many as the network is used with); `shorter_side` is the
    size at inference, in pixels (None: the network's, or that of the frames; 0: that of the frames). `name` stands for
    the video in messages, and random numbers depend on it: give the name of a
    sequence for those of `propagate` on it. `timed` measures the stages of each frame. All that is
    computed takes at most `memory_limit`, such as "4GB" (None: what there is): MemoryError before that. A session
    serves one video. A model or a strategy that is named is loaded, on the CPU.

    Raises VosbenchError for a wrong argument, a model in training mode, and a strategy that needs to know more than the
    frames so far.
    """

    @checked('vosbench.Session("stcn-tiny", "lfu:capacity=4")')
    def __init__(
        self,
        model: Network | str | Path,
        policy: MemoryPolicy | PolicySpec | str | Path,
        *,
        name: str = "video",
        top_k: Count | None = None,
        shorter_side: Side | None = None,
        known: Foreknowledge | None = None,
        timed: bool = True,
        memory_limit: str | int | None = None,
    ) -> None:
        model, policy = model_and_policy(model, policy)
        if model.training:
            raise VosbenchError(
                "the model is in training mode, where it normalises by batch", "call model.eval() first"
            )
        needs = {"the number of frames": policy.needs_length, "true masks": policy.needs_truth}
        needs = {"frames still to come": policy.needs_future} | needs
        if known is None and any(needs.values()):
            what = next(what for what, needed in needs.items() if needed)
            raise VosbenchError(
                f"{type(policy).__name__} needs {what}, which nobody knows of frames that are pushed one by one",
                "use another strategy, or vosbench.propagate on the whole video",
            )
        self.model, self.policy, self.name, self.known = model, policy, name, known
        self.top_k = top_k or model.spec.top_k
        self.shorter_side = inference_side(shorter_side, model.spec.shorter_side)
        self.device = next(model.parameters()).device
        self._room = Room(None if memory_limit is None else size_in_bytes(memory_limit), Scratch(self.device))
        self.index = 0  # of the next frame
        self.ids: list[int] = []  # of the objects followed, in order of appearance
        self._driver = Driver(self.device, self._room)
        self._clock = StageClock(self.device, timed)
        self._state: State = {}  # recurrent state of the objects
        self._joint: Tensor | None = None  # probabilities in the frame before, [O+1,H',W']
        self._labels = torch.zeros(1, dtype=torch.uint8, device=self.device)  # of the planes of it
        self._late = deque[LateMask]()  # that nobody has looked at

    def step(self, rgb: np.ndarray, masks: Masks | None = None) -> Prediction:
        """Segment the next frame, uint8 [H,W,3], and remember it if the strategy wants to.

        `masks` give objects that appear: a label map uint8 [H,W] (0 none, 255 unknown), or a plane bool or uint8 [H,W],
        0 where the object is not, for each id from 1 to 254. A label map may hold objects that are followed already,
        which nothing touches; a plane of one is refused. Predicted masks never overlap: where given ones do, the
        highest id has the pixel.

        Raises VosbenchError for frames or masks of another kind or size, PolicyError for what the strategy does wrong.
        """
        check_frame(rgb, f"a frame of {self.name}")
        prediction = taken(*self._driver.finish([self._steps(Frame(self.model, rgb, self.shorter_side), masks)]))
        self._look()
        return prediction

    def _steps(self, frame: Frame, masks: Masks | None = None) -> Steps[Prediction]:
        """What `step` does with the next frame, step by step, as a `Driver` takes it through."""
        if self.index == 0:
            self._begin(frame.geometry)
        if getattr(self.policy, "bank", self.memory.bank) is not self.memory.bank:
            raise VosbenchError(
                f"the {type(self.policy).__name__} of the session {self.name!r} serves another session, too",
                "load one strategy for each session: vosbench.load_policy again",
            )
        if frame.geometry != self.geometry:
            raise SequenceError(
                f"frame {self.known.frames[self.index] if self.known else self.index} of {self.name} is "
                f"{size_text(frame.geometry.original)}, the frames before it {size_text(self.geometry.original)}",
                "all frames of a video must have one size",
            )
        new, given = self._appearing(masks)
        needs = self._needs(frame.geometry, len(new))
        try:
            self.memory.bank.leave(self._room.beside(id(self)) + needs.picture + needs.planes + needs.passing)
            if new or self.ids:
                joint = yield from self._segment(frame, new, given)
            else:
                joint = torch.ones(1, *self.geometry.padded, device=self.device)
        except LimitError as error:
            raise MemoryError(f"{error}: {self._advice(len(self.ids) + len(new))}") from None
        prediction = self._predict(joint)
        self.index += 1
        self._room.taken[id(self)] = needs.planes + self._allocated
        return prediction

    def _look(self, behind: int | None = None) -> None:
        """Raise NotANumberError if there is no mask of a frame; but for the last on a GPU, or the last `behind`: a GPU
        makes it while the host gets the next frame going.
        """
        allowed = int(self.device.type == "cuda") if behind is None else behind
        while len(self._late) > allowed:
            self._late.popleft().read()

    def verify(self) -> None:
        """Raise what went wrong on a GPU, where nothing waits to find out: what the strategy did, and NaN in the last
        frame. A CPU tells at once.
        """
        self._look(0)
        if self.index:
            self.memory.verify()

    def _advice(self, objects: int) -> str:
        """What limit suffices: to the end if what the strategy holds is bounded, else in this frame."""
        bank, every = self.memory.bank, len(self.known.object_ids) if self.known else 0
        needs = Needs.of(max(objects, every), self.geometry, self.model.spec)
        tokens = bank.capacity or bank.count + bank.tokens_per_frame
        limit = in_megabytes(enough(needs, tokens / bank.tokens_per_frame))
        return f"raise it to {limit}{'' if bank.capacity else ' at least'}: memory_limit (--memory-limit)"

    def _needs(self, geometry: Geometry, new: int = 0) -> Needs:
        """What the objects take in a frame in which `new` ones appear."""
        return Needs.of(len(self.ids) + new, geometry, self.model.spec)

    @property
    def _allocated(self) -> int:
        """Bytes of the slots of the memory."""
        return self.memory.bank.allocated if self.index else 0

    def _begin(self, geometry: Geometry) -> None:
        model, known, self.geometry = self.model, self.known, geometry
        storing = partial(self._clock.stage, "write")
        room = self._room.limit, self._room.scratch
        bank = MemoryBank(model.spec, model.scores, self.geometry.tokens, self.device, storing, *room)
        self.memory = VideoMemory(self.policy, bank, f"{self.name}, ", self._clock.stage)
        truth, future = None, None
        if known is not None and self.policy.needs_truth:
            truth = _of_followed(known.truth(self.geometry), self.ids)
        if known is not None and self.policy.needs_future:
            with self._clock.stage("policy"):
                future = known.future(self.geometry)
        frames = None if known is None else len(known.frames)
        self.memory.start(VideoInfo(self.name, frames, self.geometry.tokens, truth, future))

    @property
    def _where(self) -> str:
        return f"frame {self.known.frames[self.index] if self.known else self.index} of {self.name}"

    def _appearing(self, masks: Masks | None) -> tuple[tuple[int, ...], ObjectMasks | None]:
        """The ids that appear, and their masks."""
        if masks is None:
            return (), None
        if not isinstance(masks, ObjectMasks):
            masks = object_masks(masks, f"the masks of {self._where}", self.ids)
        if masks.size != self.geometry.original:
            raise SequenceError(
                f"{self._where} is {size_text(self.geometry.original)}, its masks {size_text(masks.size)}",
                "masks must have the size of the frames",
            )
        new = tuple(i for i in sorted(masks.object_ids() if masks.ids is None else masks.ids) if i not in self.ids)
        return new, masks

    def _segment(self, frame: Frame, new: tuple[int, ...], masks: ObjectMasks | None) -> Steps[Tensor]:
        """Joint probabilities of the frame, [O+1,H',W']."""
        model, memory, index = self.model, self.memory, self.index
        last = self.known is not None and index == len(self.known.frames) - 1
        joint = torch.ones(1, *self.geometry.padded, device=self.device)
        with self._clock.stage("encode_key"):
            features, _ = frame.features, frame.tokens
        now = FrameStep(index, index - memory.last_write, bool(new), last, tuple(memory.groups))
        before, state, match = self._state, self._state, None
        if memory.groups:
            joint, state, match = yield from self._read(frame, now)
        if masks is not None and new:
            joint = self._introduce(new, masks, joint)
            fresh = model.start(len(new), features)
            before, state = joined(before, fresh), joined(state, fresh)
        predicted = Segmentation(joint[1:], self.geometry.stride)
        if match is not None:
            memory.observe(match, predicted)
        written = memory.asks_for(index, predicted, now.annotated, last)
        if written is not None:
            with self._clock.stage("encode_value"):
                values, state = yield EncodeValue(frame, written.masks, before, state, now)
            self._write(frame, values, now, written)
        self._state, self._joint = state, joint
        return joint

    def _read(self, frame: Frame, now: FrameStep) -> Steps[tuple[Tensor, State, Match]]:
        """Read the memory and decode: joint probabilities [O+1,H',W'], the objects' state, statistics of the read."""
        assert self._joint is not None  # there was a frame before
        with self._clock.stage("read"):
            (first, *others), match = self.memory.read(now.frame, frame.query, self.top_k)
            readout = torch.cat([first, *others], 1) if others else first
            readout = readout.permute(1, 2, 0).unflatten(2, self.geometry.grid)
        with self._clock.stage("decode"):
            logits, state = yield Decode(frame, readout, self._state, self._joint[1:], now)
        with self._clock.stage("aggregate"):
            return by_rows(self.model.aggregate, logits), state, match

    def _introduce(self, new: tuple[int, ...], masks: ObjectMasks, joint: Tensor) -> Tensor:
        """Joint probabilities with the `new` objects; under their masks those of others become 0 first."""
        planes = self.geometry.prepare_masks(masks.planes(new), self.device)
        self.ids += new
        self._labels = torch.tensor([0, *self.ids], dtype=torch.uint8, device=self.device)
        self.memory.add_objects(self.index, len(new))
        with self._clock.stage("aggregate"):
            return by_rows(_with_new, joint[1:], planes)

    def _write(self, frame: Frame, values: Tensor, now: FrameStep, written: Segmentation) -> None:
        tokens, values = frame.tokens.map(torch.clone), values.clone()  # other strategies have the same
        by_group = values.flatten(2).permute(2, 0, 1).split(self.memory.groups, 1)
        self.memory.write(FrameTokens(now.frame, tokens.key, by_group, now.annotated, written, tokens.extras))

    def _predict(self, joint: Tensor) -> Prediction:
        """Bring the joint probabilities [O+1,H',W'] to the video's own size and ids."""
        with self._clock.stage("output"):
            index, defined = most_probable(joint, self.geometry)
            self._late.append(mask := LateMask(self._labels[index], defined, self._where))
        every = self.known.object_ids if self.known else sorted(self.ids)
        places = 0, *(1 + every.index(i) for i in self.ids)
        bank, objects = self.memory.bank, len(self.ids)
        timing = FrameTiming(self._clock.take(), bank.count, self.geometry.tokens, bank.nbytes, objects)
        return Prediction(self.index, mask, timing, joint, places, len(every), ref(bank), self.geometry)


def _with_new(known: Tensor, new: Tensor) -> Tensor:
    """Joint probabilities [O+1,...] of objects with given ones: [known,...] of 0..1, [new,...] of 0 or 1.

    Where given masks overlap, each is as probable, the last a little more: it has the pixel, and none is forgotten.
    """
    logits = aggregate(torch.cat([known * (1 - new.amax(0)), new]))
    whole = new.to(torch.uint8)
    later = whole.flip(0).cumsum(0, dtype=torch.uint8).flip(0) - whole  # how many of the others are over it
    logits[-len(new) :] -= _AHEAD * new * later
    return logits.softmax(0)


def model_and_policy(
    model: Network | str | Path, policy: MemoryPolicy | PolicySpec | str | Path
) -> tuple[Network, MemoryPolicy]:
    """A model and a strategy, from their names or files if that is what they are. Raises VosbenchError as those do."""
    return (
        model if isinstance(model, Network) else load_model(model),
        policy if isinstance(policy, MemoryPolicy) else load_policy(policy),
    )


def _of_followed(truth: Truth, ids: list[int]) -> Callable[[int], Tensor]:
    """The true masks of the objects followed so far; holds nothing of the session."""
    return lambda frame: truth(frame, tuple(ids))
