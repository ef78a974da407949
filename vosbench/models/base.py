"""What a matching network offers. The frame loop, the memory and the strategies know networks by this alone.

A network encodes a frame to features, which nobody else looks at. Of these it makes tokens, which a memory may keep,
and a query, which reads them by the network's own similarity. What is read is decoded to one logit per object and
pixel. A frame that is written is encoded once more, together with its masks, to the values of its tokens. Between
frames a network may keep a recurrent state of each object, which belongs to no memory and is never evicted.

Shapes: a frame is H'xW' pixels, multiples of the stride; h = H'/stride, w = W'/stride, P = h*w tokens; N tokens in
memory, Q query pixels, O objects, CK and CV channels of keys and values.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from vosbench.base.registry import place
from vosbench.errors import VosbenchError
from vosbench.models.geometry import Geometry
from vosbench.models.graphs import Graphs
from vosbench.models.precision import Precision

R = TypeVar("R")
Shapes = Mapping[str, tuple[int, ...]]  # of the tensors of a checkpoint, by name
State = Mapping[str, Tensor]  # recurrent state of O objects: tensors [O,...] by name; empty where there is none


@dataclass(frozen=True)
class Keys:
    """Keys of tokens or of query pixels, float32 [N,CK], and what else a similarity needs of them: [N,C] by name."""

    key: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def map(self, change: Callable[[Tensor], Tensor]) -> "Keys":
        """The same of every tensor changed alike."""
        return Keys(change(self.key), {name: change(extra) for name, extra in self.extras.items()})

    def __getitem__(self, index: Any) -> "Keys":
        return self.map(lambda tensor: tensor[index])

    def __len__(self) -> int:
        return len(self.key)


def stacked(parts: Sequence[Keys]) -> Keys:
    """Those of several frames, [T,N,...]."""
    extras = {name: torch.stack([part.extras[name] for part in parts]).float() for name in parts[0].extras}
    return Keys(torch.stack([part.key for part in parts]).float(), extras)


class Similarity(Protocol):
    """A similarity; see `Network.scores`."""

    def __call__(self, keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class Extra:
    """A quantity that each token has beside its key: how many channels; whether a merged token gets their mean."""

    channels: int = 1
    averages: bool = True


@dataclass(frozen=True)
class Spec:
    """A network in numbers: channels of keys and values; `stride`, the distance of two tokens in pixels.

    `top_k` and `shorter_side` (pixels; None: the video's own size) are what it is used with unless something else is
    asked for. `extras` are what its tokens have beside the key. Raises VosbenchError for a number below 1.
    """

    family: str
    key_dim: int
    value_dim: int
    stride: int = 16
    top_k: int = 20
    shorter_side: int | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("key_dim", "stride", "top_k"):  # no values are read where only keys count
            if not (isinstance(value := getattr(self, name), int) and value > 0):
                raise VosbenchError(f"{name} of the network {self.family} must be 1 or more, not {value!r}", "see Spec")


@dataclass(frozen=True)
class FrameStep:
    """Where a network is in a video: the frame; how many frames ago one was written; whether this one is annotated,
    and whether it is known to be the last. `groups` are the objects followed before this frame, in order: how many
    appeared together, and so read together.
    """

    frame: int
    since_write: int
    annotated: bool
    last: bool
    groups: tuple[int, ...]


class Network(nn.Module, ABC):
    """A matching network. A subclass is a family; what has a body here may be left as it is."""

    affinity: str = "own"  # by which keys are compared, as tables name it
    precision: Precision = "fp32"  # in what it computes
    weights: str | None = None  # of a network in a file of its own: weights beside it; None: those of its building
    graphs: Callable[..., Any] | None = None  # at inference on a GPU

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """The network in numbers."""

    def geometry(self, height: int, width: int, shorter_side: int | None) -> Geometry:
        """How frames of that size become input, and output frames."""
        return Geometry.of(height, width, shorter_side, self.spec.stride)

    @abstractmethod
    def encode(self, frame: Tensor) -> Any:
        """Features of a frame, float32 [1,3,H',W']; they depend on the image only."""

    @abstractmethod
    def tokens(self, features: Any) -> Keys:
        """The P tokens that the frame would bring into a memory, row by row, with the extras of the spec."""

    def query(self, features: Any) -> Keys:
        """What reads the memory, of each of P pixels: the frame's own tokens, unless a network has another query."""
        return self.tokens(features)

    def keys(self, frame: Tensor) -> tuple[Keys, Keys]:
        """Tokens and query of a frame, where nothing else is wanted of it, as in a simulation."""
        features = self.encode(frame)
        return self.tokens(features), self.query(features)

    @abstractmethod
    def scores(self, keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
        """Similarity of every query pixel to every token, float32 [Q,N]; written to `out` if given.

        A pixel's score for a token depends on these two alone, up to a constant of the pixel. A token that was
        written may be the query itself: it has the extras of a query, too.
        """

    def start(self, objects: int, features: Any) -> State:  # noqa: ARG002
        """The state of objects that appear in a frame."""
        return {}

    @abstractmethod
    def decode(
        self, readout: Tensor, features: Any, state: State, joint: Tensor, step: FrameStep
    ) -> tuple[Tensor, State]:
        """Logits of O objects, float [O,H',W'], and the state after it.

        readout [O,CV,h,w]; joint [O,H',W'], their probabilities in the frame before. The state returned holds for the
        next frame unless this one is written.
        """

    def aggregate(self, logits: Tensor) -> Tensor:
        """Joint probabilities of background and objects, [O+1,H',W'], from the logits [O,H',W']."""
        return aggregate(torch.sigmoid(logits)).softmax(0)

    @abstractmethod
    def encode_value(
        self, frame: Tensor, features: Any, masks: Tensor, before: State, state: State, step: FrameStep
    ) -> tuple[Tensor, State]:
        """Values of a frame that is written, [O,CV,h,w], and the state that holds for the next frame.

        masks [O,H',W'] in 0..1, new objects last. `before` is the state with which the frame was decoded, `state` that
        which `decode` returned; of new objects both are those of `start`.
        """

    # Several strategies on one frame: the same up to rounding, where a network can do it in one batch

    def decode_several(
        self,
        readouts: Sequence[Tensor],
        features: Any,
        states: Sequence[State],
        joints: Sequence[Tensor],
        steps: Sequence[FrameStep],
    ) -> list[tuple[Tensor, State]]:
        """What `decode` gives under each of several strategies, which all follow the same objects."""
        rows = zip(readouts, states, joints, steps, strict=True)
        return [self.decode(readout, features, state, joint, step) for readout, state, joint, step in rows]

    def encode_several(
        self,
        frame: Tensor,
        features: Any,
        masks: Sequence[Tensor],
        before: Sequence[State],
        states: Sequence[State],
        steps: Sequence[FrameStep],
    ) -> list[tuple[Tensor, State]]:
        """What `encode_value` gives under each of several strategies, which all follow the same objects."""
        rows = zip(masks, before, states, steps, strict=True)
        return [self.encode_value(frame, features, *row) for row in rows]

    def launch(self, function: Callable[..., R], *inputs: Any) -> R:
        """function(*inputs), which a GPU replays as a CUDA graph when it is called often (`graphs.py`).

        A network may compute by it what depends on the inputs and its weights alone, changes nothing it is given, and
        does not wait for the GPU. Inputs are tensors, however they are packed, and numbers, texts and the like. What is
        another function in each frame, as a lambda is that a method makes, has no graph.
        """
        return function(*inputs) if self.graphs is None else self.graphs(function, *inputs)

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        """Move or cast: graphs are of the weights as they were."""
        self.graphs = Graphs() if isinstance(self.graphs, Graphs) else self.graphs
        return super()._apply(*args, **kwargs)

    def compare_by(self, affinity: str) -> None:
        """Choose how keys are compared. Raises VosbenchError for a network that leaves no choice."""
        raise VosbenchError(
            f"keys of {self.spec.family} are compared in its own way, not by {affinity}", "leave affinity out"
        )

    def compute_in(self, precision: Precision) -> None:
        """Cast the weights; what methods return stays float32. VosbenchError of a network of float32 alone."""
        if precision in ("bf16", "fp16"):
            raise VosbenchError(f"{self.spec.family} does not compute in {precision}", "leave the precision out")
        self.precision = precision

    # How a family is found and built

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        """The names of its architectures."""
        return ("",)

    @classmethod
    def build(cls, config: str = "") -> Self:  # noqa: ARG003
        """The network of an architecture. Its weights are replaced, unless it is asked for without a checkpoint."""
        try:
            signature(cls).bind()
        except TypeError as error:
            hint = "give each argument of __init__ a default"
            raise VosbenchError(f"{place([cls])}: a network is made without arguments: {error}", hint) from None
        return cls()

    @classmethod
    def detect(cls, shapes: Shapes) -> str | None:
        """The architecture to which weights belong, by default that which shares the most tensors; None: another
        network's.
        """
        best = max(cls.configs(), key=lambda config: len(shapes_of(cls, config).items() & shapes.items()))
        expected = shapes_of(cls, best)
        return best if 2 * len(expected.keys() & shapes.keys()) > len(expected) else None

    @classmethod
    def adapt(cls, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights of a checkpoint in today's form, where there are older ones."""
        return state


@cache
def shapes_of(family: type[Network], config: str) -> Shapes:
    """Names and shapes of the weights of an architecture."""
    with torch.random.fork_rng(devices=[]):
        return {name: tuple(tensor.shape) for name, tensor in family.build(config).state_dict().items()}


def aggregate(probabilities: Tensor) -> Tensor:
    """Logits of background and O objects from independent probabilities: [...,O,H,W] -> [...,O+1,H,W].

    Soft aggregation (Oh et al., STM, 2019): background = product of (1 - p); the softmax of the result is the
    joint probability. Clamped to [1e-7, 1 - 1e-7] before the logit, as the published STCN does.
    """
    background = (1 - probabilities).prod(-3, keepdim=True)
    return torch.logit(torch.cat([background, probabilities], -3), eps=1e-7)


def joined(state: State, new: State) -> State:
    """The state of some objects and of new ones behind them."""
    return {name: torch.cat([state[name], tensor]) if name in state else tensor for name, tensor in new.items()}
