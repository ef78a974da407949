"""The frame loop against the published evaluation code, probability by probability."""

import numpy as np
import pytest

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.video import Sequence


@pytest.mark.parametrize(
    ("name", "spec", "first_frames"),
    [
        ("prob_every", "every-k", (0, 0)),
        ("prob_every_last", "every-k:last=true", (0, 0)),
        ("prob_yv", "every-k", (0, 4)),
        ("prob_yv_last", "every-k:last=true", (0, 4)),
    ],
)
def test_probabilities_equal_those_of_the_published_code(golden, golden_stcn, name, spec, first_frames):
    labels = golden["labels"]
    annotations = {t: np.zeros_like(labels[t]) for t in first_frames}
    for object_id, t in enumerate(first_frames, 1):
        annotations[t][labels[t] == object_id] = object_id
    sequence = Sequence.from_arrays(golden["rgb"], annotations)
    expected, same = golden[name], []
    for p in propagate(golden_stcn, sequence, load_policy(spec)):
        assert np.abs(p.prob.numpy() - expected[p.frame_index]).max() <= 1e-4
        same.append(p.mask == expected[p.frame_index].argmax(0))
    assert len(same) == len(expected)
    assert np.mean(same) >= 0.999
