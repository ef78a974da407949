"""The memory of one video: its bank, the objects in it, the last write, and the rule of what is written.

Whoever goes through a video, be it with a network, with recorded keys or with generated ones, goes through it by this.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.answer import answer_of, told, yes_or_no
from vosbench.memory.bank import MemoryBank
from vosbench.memory.blame import blamed
from vosbench.memory.frame import FrameTokens, Segmentation
from vosbench.memory.match import Match
from vosbench.memory.policy import MemoryPolicy, Step, VideoInfo
from vosbench.models.base import Keys

Stage = Callable[[str], AbstractContextManager[None]]  # times a block as a part of the stage of that name


class VideoMemory:
    """One strategy on one video. Whatever the strategy raises or does wrong is a PolicyError that names it and `where`.

    `groups` says how many objects appeared together, in order; `last_write` is the frame that was written last.
    """

    def __init__(self, policy: MemoryPolicy, bank: MemoryBank, where: str = "", stage: Stage | None = None) -> None:
        self.policy, self.bank = policy, bank
        self.groups: list[int] = []
        self.last_write = 0
        self._where, self._stage = where, stage or (lambda _: nullcontext())

    @contextmanager
    def asking(self, when: str) -> Iterator[None]:
        """Time what the strategy does, and blame it for what goes wrong."""
        with blamed(self.policy, f"{self._where}{when}"), self._stage("policy"):
            yield

    def start(self, video: VideoInfo) -> None:
        """Show the strategy the video and its empty bank."""
        with self.asking("before the first frame"):
            self.policy.start(video, self.bank)

    def add_objects(self, frame: int, count: int) -> None:
        """Make room for the values of objects that appear in `frame`."""
        self.groups.append(count)
        self.bank.add_group(frame, count)

    def read(self, frame: int, query: Keys, top_k: int) -> tuple[list[Tensor], Match]:
        """See `MemoryBank.read`."""
        with blamed(self.policy, f"{self._where}frame {frame}"):
            return self.bank.read(frame, query, top_k)

    def observe(self, match: Match, predicted: Segmentation) -> Match:
        """Tell the strategy what was read for a frame, and what is predicted for it."""
        match = replace(match, segmentation=predicted)
        with self.asking(f"frame {match.frame}"):
            self.policy.observe(match)
        return match

    def asks_for(self, frame: int, predicted: Segmentation, annotated: bool, last: bool) -> Segmentation | None:
        """The masks from which a frame is to be encoded and written; None if it is not written, see `memory.policy`."""
        if last or not self.groups:
            return None
        step = Step(frame, self.last_write, predicted, annotated)
        with self.asking(f"frame {frame}"):
            with answer_of(self.policy.admit):
                written = annotated or yes_or_no(self.policy.admit(step))
            return self._masks(step) if written else None

    def write(self, tokens: FrameTokens) -> None:
        """Let the strategy put a frame into the bank."""
        with self.asking(f"frame {tokens.frame}"):
            self.policy.write(tokens)
        self.last_write = tokens.frame

    def verify(self, when: str = "by the last frame") -> None:
        """Raise what a strategy did wrong on a GPU; see `MemoryBank.verify`."""
        with self.asking(when):
            self.bank.verify()

    def _masks(self, step: Step) -> Segmentation:
        predicted = step.segmentation
        if predicted.soft is None:  # there is no network that would encode any
            return predicted
        with answer_of(self.policy.masks):
            masks = self.policy.masks(step)
            if masks is predicted.soft:
                return predicted
            if not isinstance(masks, Tensor) or masks.shape != predicted.soft.shape:
                wanted = tuple(predicted.soft.shape)
                raise VosbenchError(f"{told(masks)}, where {wanted} are predicted", "give one soft mask an object")
            self.bank.guard.refuse("gave masks that are no numbers", ~masks.isfinite())
            return Segmentation(masks.to(predicted.soft.dtype), predicted.stride)
