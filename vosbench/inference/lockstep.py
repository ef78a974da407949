"""Several strategies on one video, frame by frame together: what depends on the image alone is computed once for all.

A session goes through a frame as a generator. What needs the network it yields as a question, and is sent the answer;
in the end it returns what it predicts. The driver answers one question after the other on a CPU, where this gives the
very bits that a strategy alone gives, and all in one batch on a GPU.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from vosbench.base import registry
from vosbench.errors import MissingTruthError, NotANumberError, PolicyError, VosbenchError
from vosbench.inference.room import Room
from vosbench.memory.blame import out_of_memory
from vosbench.models.base import FrameStep, Keys, Network, State
from vosbench.models.geometry import Geometry
from vosbench.models.precision import allow_tf32
from vosbench.models.tensors import nbytes, tensors

R = TypeVar("R")
OF_ONE = (PolicyError, NotANumberError, MissingTruthError, RuntimeError, MemoryError)  # of one strategy, perhaps


class Frame:
    """A frame of a video, uint8 [H,W,3], and what the network makes of it, computed when it is first asked for.

    `shorter_side` is that of inference, as in `Network.geometry`.
    """

    def __init__(self, model: Network, rgb: np.ndarray, shorter_side: int | None) -> None:
        self.model, self.rgb = model, rgb
        self.geometry = model.geometry(rgb.shape[0], rgb.shape[1], shorter_side)

    @cached_property
    def input(self) -> Tensor:
        """The network's input, float32 [1,3,H',W']."""
        return self.geometry.prepare(self.rgb, next(self.model.parameters()).device)

    @cached_property
    def features(self) -> Any:
        """See `Network.encode`."""
        if self.input.device.type == "cuda":
            allow_tf32(self.model.precision)  # the switch is of the process, which may have other networks
        return self.model.encode(self.input)

    @cached_property
    def tokens(self) -> Keys:
        """What the frame would bring into a memory."""
        return fitting(self.model, "tokens", self.model.tokens(self.features), self.geometry)

    @cached_property
    def query(self) -> Keys:
        """What reads a memory in this frame."""
        return fitting(self.model, "query", self.model.query(self.features), self.geometry)


def fitting(model: Network, method: str, keys: Keys, geometry: Geometry) -> Keys:
    """The keys that a method of a network gives. Raises VosbenchError if their shapes are not those of its spec."""
    require(model, method, keys.key, (geometry.tokens, model.spec.key_dim))
    for name, extra in model.spec.extras.items():
        if name in keys.extras:
            require(model, f"{method}, {name},", keys.extras[name], (geometry.tokens, extra.channels))
    return keys


def require(model: Network, method: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Raise VosbenchError, which names the network's file, if a method of it gives a tensor of another shape."""
    if tuple(tensor.shape) != shape:
        raise VosbenchError(
            f"{registry.place([type(model)])}: {method} gives {[*tensor.shape]}, and by its spec it must be {[*shape]}",
            "`vosbench check model FILE` says more",
        )


@dataclass(frozen=True)
class Decode:
    """Asks for logits and state, as `Network.decode` gives them."""

    method: ClassVar[str] = "decode"
    frame: Frame
    readout: Tensor
    state: State
    joint: Tensor
    step: FrameStep

    def answer(self) -> tuple[Tensor, State]:
        return self.frame.model.decode(self.readout, self.frame.features, self.state, self.joint, self.step)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the logits, [O,H',W']."""
        return tuple(self.joint.shape)

    @classmethod
    def answers(cls, asked: Sequence[Self]) -> list[tuple[Tensor, State]]:
        readouts, states, joints, steps = zip(*((a.readout, a.state, a.joint, a.step) for a in asked), strict=True)
        frame = asked[0].frame
        return frame.model.decode_several(readouts, frame.features, states, joints, steps)


@dataclass(frozen=True)
class EncodeValue:
    """Asks for values and state, as `Network.encode_value` gives them."""

    method: ClassVar[str] = "encode_value"
    frame: Frame
    masks: Tensor
    before: State
    state: State
    step: FrameStep

    def answer(self) -> tuple[Tensor, State]:
        frame = self.frame
        return frame.model.encode_value(frame.input, frame.features, self.masks, self.before, self.state, self.step)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the values, [O,CV,h,w]."""
        return len(self.masks), self.frame.model.spec.value_dim, *self.frame.geometry.grid

    @classmethod
    def answers(cls, asked: Sequence[Self]) -> list[tuple[Tensor, State]]:
        masks, before, states, steps = zip(*((a.masks, a.before, a.state, a.step) for a in asked), strict=True)
        frame = asked[0].frame
        return frame.model.encode_several(frame.input, frame.features, masks, before, states, steps)


Question = Decode | EncodeValue
Steps = Generator[Question, Any, R]


def taken(result: R | Exception) -> R:
    """What came of a session's frame. Raises it if it is an error."""
    if isinstance(result, Exception):
        raise result
    return result


class Driver:
    """Takes sessions through a frame, in a room that they share. `at_once` of them have their questions answered in one
    batch: fewer from when the memory did not suffice.
    """

    def __init__(self, device: torch.device, room: Room, sessions: int = 1) -> None:
        self._room = room
        self.at_once = sessions if device.type == "cuda" else 1
        self._compares = device.type == "cpu" and sessions > 1  # a GPU would have to be waited for
        self._known: list[tuple[Question, Any]] = []  # about this frame: strategies begin alike
        self._kept = 0  # bytes of these

    @torch.inference_mode()
    def finish(self, frame: Sequence[Steps[R]]) -> list[R | Exception]:
        """What each session returns for a frame, or the error, one of `OF_ONE`, that ended it."""
        results: list[R | Exception] = []
        with self._room.in_parts():
            while len(results) < len(frame):
                results += self._finish(frame[len(results) : len(results) + self.at_once])
        self._known.clear()
        self._kept = 0
        return results

    def _finish(self, frame: Sequence[Steps[R]]) -> list[R | Exception]:
        results: dict[int, R | Exception] = {}
        asked: dict[int, Question] = {}
        answers: dict[int, Any] = dict.fromkeys(range(len(frame)))
        while answers:
            for place, answer in answers.items():
                try:
                    failed = isinstance(answer, Exception)
                    asked[place] = frame[place].throw(answer) if failed else frame[place].send(answer)
                except StopIteration as done:
                    results[place] = done.value
                except OF_ONE as error:
                    results[place] = error
            kind = next((type(question) for question in asked.values()), None)
            places = [place for place, question in asked.items() if type(question) is kind]
            answers = dict(zip(places, self._answers(kind, [asked.pop(place) for place in places]), strict=True))
        return [results[place] for place in range(len(frame))]

    def _answers(self, kind: Any, asked: list[Any]) -> list[Any]:
        """The answers to questions of a kind, or the errors in their place."""
        if not asked:
            return []
        try:
            found = kind.answers(asked) if len(asked) > 1 else [self._answer(asked[0])]
            for question, (tensor, _) in zip(asked, found, strict=True):
                require(question.frame.model, question.method, tensor, question.shape)
            return found
        except (RuntimeError, MemoryError) as error:
            if len(asked) == 1 or not out_of_memory(error):
                return [error] * len(asked)
        torch.cuda.empty_cache()
        self.at_once = half = (len(asked) + 1) // 2
        return self._answers(kind, asked[:half]) + self._answers(kind, asked[half:])

    def _answer(self, question: Question) -> Any:
        """The answer to a question; that of an equal one about the same frame, if there was one."""
        if not self._compares:
            return question.answer()
        for known, answer in self._known:
            if _equal(known, question):
                return answer
        answer = question.answer()
        size = nbytes(question, answer)
        if self._kept + size <= self._room.kept:
            self._kept += size
            self._known.append((question, answer))
        return answer


def _equal(one: Question, other: Question) -> bool:
    """Whether two questions about a frame are the same."""
    alike = type(one) is type(other) and one.step == other.step
    return alike and all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))
