"""What options have in common: lists of strategies, whose parameters have commas too."""

import pytest

from vosbench.cli.options import split_specs


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["lfu,lru,fifo"], ["lfu", "lru", "fifo"]),
        (["lfu", "lru,fifo"], ["lfu", "lru", "fifo"]),
        (["lfu:min_age=4,pin_first=true,lru"], ["lfu:min_age=4,pin_first=true", "lru"]),
        (["./idea.py:seed=1,pin_first=true,lru:every=3"], ["./idea.py:seed=1,pin_first=true", "lru:every=3"]),
        (["gated:base=lfu(capacity=4,every=2),threshold=0.7,lru"],
         ["gated:base=lfu(capacity=4,every=2),threshold=0.7", "lru"]),
        (["lfu,,"], ["lfu"]),
        (["lfu,Mine=./idea.py,Yours=./idea.py:k=3,seed=1,fifo"],
         ["lfu", "Mine=./idea.py", "Yours=./idea.py:k=3,seed=1", "fifo"]),
        (["lfu:every=2,Mine=./idea.py:k=3", "My best (k=4, say)=lru"],
         ["lfu:every=2", "Mine=./idea.py:k=3", "My best (k=4, say)=lru"]),
        ([], []),
        (None, []),
    ],
)  # fmt: skip
def test_specs_are_split(given, expected):
    assert list(split_specs(given)) == expected


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("list", "policies", "--json", ""), "--json"),
        (("score", "masks", "--root="), "--root"),
        (("score", ""), "an argument"),
        (("run", "-p", ""), "-p"),
        (("run", "--out", ""), "--out"),
    ],
)
def test_an_empty_argument_is_refused(refused, arguments, name):
    assert refused(*arguments).startswith(f"error: {name} is empty\nis a variable of the shell not set?")


@pytest.mark.parametrize("verb", ["score", "export", "train", "segment"])
def test_what_is_missing_is_named_with_an_example(refused, verb):
    said = refused(verb)
    assert "Missing argument '" in said
    assert f"\ne.g. vosbench {verb} " in said
    assert f"e.g. vosbench {verb} " in refused(verb, "--json")
    assert "e.g. vosbench check --dataset davis2017 --root DAVIS" in refused("check")
