"""Suites in TOML: what they spell out, what the command line makes of them, and every way to write them wrongly."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from vosbench.bench.suite import DEFAULT_POLICIES, Suite, read_suites, shipped_suites
from vosbench.datasets import DATASETS
from vosbench.datasets.generated.recipe import Script
from vosbench.errors import VosbenchError
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import parse_policies

SEEDED = """
from dataclasses import dataclass
from vosbench.memory.policy import MemoryPolicy, parameter
@dataclass
class Seeded(MemoryPolicy):
    k: int = parameter(1, "", "a parameter")
    seed: int = parameter(0, "", "of the random numbers")
    def admit(self, step):
        return False
"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    """The suites of a file with this text, read in a folder that has the strategy seeded.py."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeded.py").write_text(SEEDED)

    def read(text):
        (tmp_path / "night.toml").write_text(text)
        return read_suites("night.toml")

    return read


def texts(suite):
    return tuple(map(str, suite.strategies()))


def test_an_empty_file_is_the_default(read):
    (suite,) = read("")
    assert suite == Suite(name="night", policies=suite.policies)
    assert texts(suite) == Suite().policies == DEFAULT_POLICIES


def test_every_field_can_be_set(read):
    text = """
    dataset = "davis2017"
    root = "DAVIS"
    split = "train"
    frame_mode = "Full-Resolution"
    policies = ["fifo", "random"]
    seeds = [0, 1]
    model = "stcn.pth"
    device = "cuda"
    top_k = 4
    affinity = "dot"
    precision = "fp16"
    memory_limit = "4GB"
    shorter_side = 256
    protocol = "davis2017-official"
    score = false
    sequences = ["ant"]
    exclude = ["bee"]
    trust_masks = true
    limit = 3
    shard = "1/2"
    controls = false
    jobs = 2
    threads = 3
    repeats = 5
    keep_memory_trace = true
    timing = "all"
    """
    (suite,) = read(text)
    policies = parse_policies(("fifo", "random"))
    assert suite == Suite(
        dataset="davis2017",
        root=Path("DAVIS"),
        split="train",
        frame_mode="Full-Resolution",
        policies=policies,
        seeds=(0, 1),
        model="stcn.pth",
        device="cuda",
        top_k=4,
        affinity="dot",
        precision="fp16",
        memory_limit=4_000_000_000,
        shorter_side=256,
        protocol="davis2017-official",
        score=False,
        sequences=("ant",),
        exclude=("bee",),
        trust_masks=True,
        limit=3,
        shard="1/2",
        controls=False,
        jobs=2,
        threads=3,
        repeats=5,
        keep_memory_trace=True,
        timing="all",
        name="night",
    )
    default = Suite()
    assert [f.name for f in fields(Suite) if getattr(suite, f.name) == getattr(default, f.name)] == []


def test_a_list_of_values_is_a_sweep(read):
    text = """
    policies = [
        "every-k",
        { name = "fifo" },
        { name = "lfu", capacity = [2, 4, 8] },
        { name = "lfu", capacity = [1.5, 3], every = 2, pin_first = [true, false] },
    ]
    """
    (suite,) = read(text)
    assert texts(suite) == (
        *("every-k", "fifo", "lfu:capacity=2", "lfu:capacity=4", "lfu:capacity=8"),
        *("lfu:capacity=1.5,every=2,pin_first=true", "lfu:capacity=1.5,every=2,pin_first=false"),
        *("lfu:capacity=3,every=2,pin_first=true", "lfu:capacity=3,every=2,pin_first=false"),
    )


def test_a_sweep_goes_through_a_wrapper_and_a_label_says_what_varies(read):
    text = """
    seeds = [0, 7]
    policies = [
        { name = "gated", capacity = [2, 4], timeout = 9 },
        { name = "./seeded.py", label = "Mine", k = [1, 2] },
        { name = "lfu", label = "LFU (ours)", capacity = 3 },
        "Theirs=lru",
    ]
    """
    (suite,) = read(text)
    assert texts(suite) == (
        *("gated:base=lfu(capacity=2),timeout=9", "gated:base=lfu(capacity=4),timeout=9"),
        *(f"Mine (k={k}) (seed={seed})=./seeded.py:k={k},seed={seed}" for k in (1, 2) for seed in (0, 7)),
        *("LFU (ours)=lfu:capacity=3", "Theirs=lru"),
    )
    assert suite.as_json()["policies"] == list(texts(suite))


def test_tables_of_strategies_may_stand_alone(read):
    (suite,) = read('[[policies]]\nname = "fifo"\n[[policies]]\nname = "lfu"\ncapacity = 3')
    assert texts(suite) == ("fifo", "lfu:capacity=3")


def test_seeds_go_to_the_strategies_that_take_one(read):
    (suite,) = read('seeds = [0, 7]\npolicies = ["fifo", "seeded.py", "seeded.py:k=2", "seeded.py:seed=3"]')
    assert texts(suite) == (
        *("fifo", "seeded.py:seed=0", "seeded.py:seed=7"),
        *("seeded.py:k=2,seed=0", "seeded.py:k=2,seed=7", "seeded.py:seed=3"),
    )
    assert [policy.parameters.get("seed") for policy in suite.strategies()] == [None, 0, 7, 0, 7, 3]
    other = replace(suite, seeds=[5])
    assert texts(other) == ("fifo", "seeded.py:seed=5", "seeded.py:k=2,seed=5", "seeded.py:seed=3")
    assert other.as_json()["policies"] == list(texts(other))


def test_data_sets_share_what_stands_above_them(read):
    text = """
    policies = ["fifo"]
    shorter_side = 256
    [[data]]
    dataset = "davis2016"
    [[data]]
    dataset = "davis2017"
    split = "train"
    shorter_side = 480
    """
    common = Suite(policies=parse_policies(["fifo"]), shorter_side=256, name="night")
    assert read(text) == (
        replace(common, dataset="davis2016"),
        replace(common, dataset="davis2017", split="train", shorter_side=480),
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("top_k = ", "night.toml is not TOML", ""),
        ("topk = 3", "unknown setting in night.toml 'topk'", "did you mean top_k"),
        ("polices = []", "unknown setting in night.toml 'polices'", "policies"),
        ('name = "x"', "unknown setting in night.toml 'name'", ""),
        ("[[data]]\ndatset = 'davis2017'", r"unknown setting in night.toml \[\[data\]\] 'datset'", "dataset"),
        ("[[data]]\n[[data.data]]", r"unknown setting in night.toml \[\[data\]\] 'data'", ""),
        ("data = 3", "night.toml: data must be tables", "[[data]]"),
        ("data = []", "night.toml: data must be tables", "[[data]]"),
        ("top_k = 'few'", "night.toml: top_k must be of type int, not 'few'", "give a whole number, such as 4"),
        ("top_k = 0", "night.toml: top_k must be at least 1, not 0", "give 1"),
        ("timing = 'last'", "unknown timing in night.toml 'last'", "first"),
        ("timing = 'none'\nrepeats = 2", "repeats time a strategy better, and none is timed", "first"),
        ("repeats = 0", "night.toml: repeats must be at least 1", "it is 1 by default"),
        ("threads = 0", "night.toml: threads must be at least 1", ""),
        ("root = 3", "night.toml: root must be of type Path or str, not 3", ""),
        ("affinity = 'l1'", "unknown affinity in night.toml 'l1'", "l2"),
        ("memory_limit = 'much'", "'much' is no amount of memory", "4GB"),
        ("precision = 'fp8'", "unknown precision in night.toml 'fp8'", "fp32"),
        ("sequences = 'ant'", "sequences must be a list", ""),
        ("policies = 'lfu'", "night.toml: policies must be a list, not 'lfu'", "write policies"),
        ("policies = [3]", "night.toml: a strategy has no name: 3", "write policies"),
        ("policies = [{ capacity = 3 }]", "a strategy has no name", "write policies"),
        ("policies = []", "name at least one strategy", ""),
        ("policies = ['lfu', 'lfu']", "each once", ""),
        ("policies = ['lfu', 'lfu:capacity=2.0']", "lfu and lfu:capacity=2 are the same strategy", ""),
        ("policies = ['A=lfu', 'a=lru']", "A=lfu and a=lru have the same label", ""),
        ("policies = [{ name = 'lfu', label = 3 }]", "label must be text, not 3", ""),
        ("policies = [{ name = 'lfu', label = 'a/b' }]", "'a/b' cannot be the label of lfu", "a few words"),
        ("policies = [{ name = 'lfu', capacity = [2, 2] }]", "each once", ""),
        ("policies = [{ name = 'lfu', capacity = [] }]", "capacity is an empty list", ""),
        ("policies = [{ name = 'lfu', capacity = [[2]] }]", "capacity must be a number", ""),
        ("policies = [{ name = 'lfu', capacity = 1979-05-27 }]", "capacity must be a number", ""),
        ("seeds = 3", "seeds must be a list of int, not 3", ""),
        ("seeds = []", "seeds are an empty list", "[0, 1, 2]"),
        ("seeds = [true]", r"seeds\[0\] must be of type int, not True", ""),
        ("seeds = [1]", "no strategy takes one", "take seeds away"),
        ("seeds = [1]\npolicies = ['lfv']", "unknown strategy 'lfv'", "lfu"),
    ],
)
def test_bad_suites(read, text, message, hint):
    with pytest.raises(VosbenchError, match=message) as caught:
        read(text)
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint


def test_suites_that_are_not_there(tmp_path):
    with pytest.raises(VosbenchError, match=r"cannot read .*night\.toml: No such file"):
        read_suites(tmp_path / "night.toml")
    with pytest.raises(VosbenchError, match="unknown suite 'paper-tabel1'") as caught:
        read_suites("paper-tabel1")
    assert "paper-table1" in caught.value.hint
    assert ".toml" in caught.value.hint


# What ships


SWEEPS = {"sweep-occlusion", "sweep-deformation", "sweep-length"}


def test_all_tables_of_the_paper_that_are_measured_ship():
    ours = SWEEPS | {"catalogue"}
    assert set(shipped_suites()) == {*(f"paper-table{n}" for n in range(1, 7)), "paper-figure6"} | ours
    starts = ("Table ", "Figure ", "J&F against ", "Every strategy ")
    assert all(about.startswith(starts) and len(about) < 120 for about in shipped_suites().values())


@pytest.mark.parametrize("name", shipped_suites())
def test_what_ships_can_be_run(name):
    suites = read_suites(name)
    assert len({(suite.dataset, suite.split) for suite in suites}) == len(suites)
    for suite in suites:
        kind = DATASETS.find(suite.dataset)
        assert Script.parse(suite.split) if suite.dataset == "synthetic" else suite.split in kind.splits
        assert suite.frame_mode in (None, *kind.frame_modes)
        assert suite.name == name
        for policy in suite.policies:
            assert policy.parameters.get("capacity", 2) >= 2
            policy.build()


def test_the_catalogue_leaves_no_strategy_out():
    (suite,) = read_suites("catalogue")
    policies = suite.policies
    assert {policy.name for policy in policies} == set(POLICIES.shipped())
    sizes = [(p.name, p.parameters["capacity"]) for p in policies if "capacity" in p.parameters]
    bounded = {name for name, _ in sizes}
    assert {(name, size) for name in bounded for size in (2, 4, 8)} == set(sizes)


def test_what_ships_is_what_the_paper_compares():
    three = ("every-k:k=5", "first-and-latest", "lfu:capacity=2")
    found = {
        name: [(s.dataset, texts(s), s.repeats) for s in read_suites(name)]
        for name in shipped_suites()
        if name.startswith("paper-")
    }
    youtube = "youtube-vos-2019"
    index = ("lfu-softmax:capacity=2", "lfu:capacity=2")
    capacities = tuple(f"lfu:capacity={c}" for c in (2, 4, 6, 8, 10))
    assert found == {
        "paper-table1": [("davis2016", three, 1), ("davis2017", three, 1)],
        "paper-table2": [(youtube, three, 1)],
        "paper-table3": [("davis2017", three, 3)],
        "paper-table4": [("davis2017", index, 1), (youtube, index, 1)],
        "paper-table5": [("davis2016", three[:1], 1), ("davis2017", three[:1], 1)],
        "paper-table6": [(youtube, three[:1], 1)],
        "paper-figure6": [(youtube, (*three[:2], *capacities), 1)],
    }
