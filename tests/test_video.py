"""Videos that a script makes from arrays: what cannot be one is refused."""

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.video import MasksInMemory, Sequence

RGB = np.zeros((4, 6, 8, 3), np.uint8)
OBJECT = np.ones((6, 8), np.uint8)


def test_objects_appear_in_the_first_annotation_that_holds_them():
    second = np.full((6, 8), 2, np.uint8)
    second[0], second[1] = 1, 255
    sequence = Sequence.from_arrays(RGB, {2: second, 0: OBJECT, 3: OBJECT})
    assert sequence.object_ids == (1, 2)
    assert [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks] == [(0, (1,)), (2, (2,))]
    assert np.array_equal(sequence.first_masks[1].load(), second[None] == 2)
    assert sequence.first_masks[1].source.load().object_ids() == (2,)  # nothing else is in reach
    assert sequence.output_frames == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("rgb", "annotations", "message"),
    [
        (RGB.astype(np.float32), {0: OBJECT}, r"the video is float32 \(4, 6, 8, 3\)"),
        (RGB[0], {0: OBJECT}, r"the video is uint8 \(6, 8, 3\)"),
        (RGB[..., :1], {0: OBJECT}, r"the video is uint8 \(4, 6, 8, 1\)"),
        (RGB[:0], {0: OBJECT}, "sequence video has no frames"),
        (RGB[:, :0], {0: OBJECT[:0]}, "frame 00000 is 8x0: it has no pixel"),
        (RGB[:, :, :0], {0: OBJECT[:, :0]}, "frame 00000 is 0x6: it has no pixel"),
        (RGB, {}, "sequence video has no object"),
        (RGB, {0: 0 * OBJECT}, "sequence video has no object"),
        (RGB, {0: 255 * OBJECT}, "sequence video has no object"),
        (RGB, {0: OBJECT[1:]}, "annotation of frame 0 is 8x5, the video 8x6"),
        (RGB, {0: OBJECT.astype(np.int64)}, "annotation of frame 0 is int64"),
        (RGB, {4: OBJECT}, "each object must appear first in exactly one of its frames"),
        (RGB, {-1: OBJECT}, "each object must appear first in exactly one of its frames"),
    ],
)
def test_what_is_no_video(rgb, annotations, message):
    with pytest.raises(VosbenchError, match=message):
        Sequence.from_arrays(rgb, annotations)


@pytest.mark.parametrize("shape", [(0, 8), (6, 0)])
def test_masks_without_a_pixel_are_refused(shape):
    with pytest.raises(VosbenchError, match="they have no pixel") as caught:
        MasksInMemory.of(np.zeros(shape, np.uint8))
    assert caught.value.hint
