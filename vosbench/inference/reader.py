"""Decodes frames ahead of the network, so that it seldom waits for a JPEG."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from vosbench.errors import SequenceError, VosbenchError
from vosbench.video import FirstMask, FrameRef


def read_ahead(frames: Sequence[FrameRef], depth: int = 4) -> Iterator[np.ndarray]:
    """The frames in order, RGB uint8 [H,W,3]; a thread keeps at most `depth` decoded ones waiting.

    A frame that cannot be read raises SequenceError when its turn comes.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="vosbench-reader") as thread:
        pending: deque[Future[np.ndarray]] = deque()
        try:
            for frame in frames:
                pending.append(thread.submit(loaded, frame))
                if len(pending) > depth:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def loaded(picture: FrameRef | FirstMask) -> np.ndarray:
    """The pixels of a frame or of first masks. Raises SequenceError if they cannot be read."""
    try:
        return picture.load()
    except VosbenchError as error:
        raise SequenceError(error.message, error.hint) from None
