"""Whether a split is the one that was published: a list of one's own is named."""

import pytest

from vosbench.datasets import DATASETS, unpublished


@pytest.mark.parametrize(
    ("name", "split", "size", "sequences", "said"),
    [
        ("davis2016", "val", 20, ["a"] * 20, None),
        ("davis2016", "val", 2, ["bus", "cow"], "not the published val of 20 sequences but bus, cow"),
        (
            "davis2017",
            "val",
            12,
            ["a"] * 11 + ["b"],
            f"not the published val of 30 sequences but {'a, ' * 9}a and 2 more",
        ),
        ("davis2017", "val", 12, ["bus"], "not the published val of 30 sequences but one of 12"),
        ("davis2016", "val", 0, ["bus"], None),  # not known how many
        ("davis2016", "mine", 2, ["bus", "cow"], None),
        ("synthetic", "val", 6, ["clip"], None),  # has no published list, though its layout is that of DAVIS
        ("folder", "all", 6, ["clip"], None),
        ("together", "val", 6, ["clip"], None),  # another machine's own
    ],
)
def test_what_is_said_of_a_split(name, split, size, sequences, said):
    assert unpublished(name, split, size, sequences) == said


def test_sizes_are_those_of_splits():
    for name in DATASETS.names():
        kind = DATASETS.find(name)
        assert set(vars(kind).get("published_sizes", {})) <= set(kind.splits)
