"""One strategy watched over a trace: which frames and places its memory holds as time goes on."""

from dataclasses import dataclass

import cv2
import numpy as np

from vosbench.errors import VosbenchError
from vosbench.memory.policy import MemoryPolicy
from vosbench.models.base import Network
from vosbench.models.geometry import Geometry
from vosbench.simulation.replay import replay
from vosbench.simulation.trace import Trace


@dataclass(frozen=True)
class History:
    """`kept` int32 [T,T]: tokens of frame f (column) held after frame t (row); `places` bool [T,P]: those after `at`,
    by frame.
    """

    kept: np.ndarray
    places: np.ndarray
    at: int
    geometry: Geometry

    def mask(self, frame: int) -> np.ndarray:
        """The pixels of `frame` whose tokens are held after frame `at`, bool of the video's own size [H,W]."""
        (height, width), (left, _, top, _) = self.geometry.inference, self.geometry.padding
        stride, grid = self.geometry.stride, self.places[frame].reshape(self.geometry.grid)
        pixels = grid.repeat(stride, 0).repeat(stride, 1)[top : top + height, left : left + width]
        own_height, own_width = self.geometry.original
        return cv2.resize(pixels.astype(np.uint8), (own_width, own_height), interpolation=cv2.INTER_NEAREST) > 0


def history(
    trace: Trace, name: str, policy: MemoryPolicy, network: Network, at: int | None = None, top_k: int | None = None
) -> History:
    """Watch the strategy, `name` in messages, over the whole trace, whose keys `network` made; `at` is a frame from 0
    (None: the last). Raises VosbenchError for a frame that is not there, and as `replay` does.
    """
    frames = len(trace.tokens)
    at = frames - 1 if at is None else at
    if not 0 <= at < frames:
        raise VosbenchError(f"{trace.name} has no frame {at}", f"its frames are 0 to {frames - 1}")
    kept = np.zeros((frames, frames), np.int32)
    places = np.zeros((frames, trace.geometry.tokens), bool)
    for moment in replay(trace, {name: policy}, network, top_k):
        held = moment.banks[0].held.view(frames, -1).cpu().numpy()
        after = [moment.frame - 1] * (moment.frame > 0) + [moment.frame] * (moment.frame == frames - 1)
        for frame in after:
            kept[frame] = held.sum(1)
            if frame == at:
                places = held.copy()
    return History(kept, places, at, trace.geometry)
