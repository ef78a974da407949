"""Strategies as values: text and back, equality, other parameters, labels."""

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.errors import VosbenchError
from vosbench.memory.grammar import is_value, several
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import PolicySpec, parse_policies
from vosbench.memory.strategy import Strategy

WORDS = st.text("abc =:/.()-é", max_size=9)


@st.composite
def specs(draw: st.DrawFn, depth: int = 2) -> PolicySpec:
    """Any strategy that ships with any parameters, wrapped ones too."""
    spec = PolicySpec.parse(draw(st.sampled_from(POLICIES.names())))
    for f in draw(st.lists(st.sampled_from(fields(spec.kind)), unique=True)) if fields(spec.kind) else []:
        if f.metadata.get("strategy"):
            value = draw(specs(depth - 1)) if depth else "fifo"
        else:
            least = f.metadata["at_least"]
            numbers = {int: st.integers, float: st.floats}
            kind = type(f.default)
            bounds = {"min_value": least if least is not None else -1e9, "max_value": 1e9}
            value = draw(st.booleans() if kind is bool else numbers[kind](**{k: kind(v) for k, v in bounds.items()}))
        spec = spec.with_(**{f.name: value})
    return spec


@settings(max_examples=150, deadline=None)
@given(specs(), st.none() | WORDS)
def test_the_text_of_a_strategy_gives_it_back(spec: PolicySpec, label: str | None) -> None:
    again = PolicySpec.parse(str(spec))
    assert again == spec
    assert hash(again) == hash(spec)
    assert (str(again), again.given, again.source_hash) == (str(spec), spec.given, spec.source_hash)
    assert again.build() == spec.build()
    assert several(f"{spec},{spec}") == [str(spec)] * 2
    if label is not None:
        try:
            labelled = PolicySpec.parse(f"{label}={spec}")
        except VosbenchError:
            return
        assert str(PolicySpec.parse(str(labelled))) == str(labelled)


@settings(max_examples=100, deadline=None)
@given(mood=WORDS)
def test_any_text_that_a_spec_can_hold_comes_back(idea_spec: PolicySpec, mood: str) -> None:
    if not is_value(mood):
        with pytest.raises(VosbenchError, match="mood must be text that fits into a spec"):
            idea_spec.with_(mood=mood)
        return
    spec = idea_spec.with_(mood=mood)
    wrapping = PolicySpec.parse("gated").with_(base=spec)
    assert PolicySpec.parse(str(spec)).parameters["mood"] == mood
    assert PolicySpec.parse(str(wrapping)) == wrapping


@pytest.fixture(scope="module")
def idea_spec(tmp_path_factory: pytest.TempPathFactory) -> PolicySpec:
    from my_idea import IDEA

    path = tmp_path_factory.mktemp("a=b (copy)") / "idea.py"
    path.write_text(IDEA)
    return PolicySpec.parse(str(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every-k:k=5", "every-k:k=5"),
        ("lfu:capacity=2.0,pin_first=TRUE", "lfu:capacity=2,pin_first=true"),
        ("lfu:pin_first=true,capacity=2.50", "lfu:pin_first=true,capacity=2.5"),
        ("gated:base=lfu(),threshold=.7", "gated:base=lfu,threshold=0.7"),
        ("Mine = lfu:capacity=4", "Mine=lfu:capacity=4"),
        ("LFU (k = 2)=lfu", "LFU (k = 2)=lfu"),
    ],
)
def test_the_text_holds_what_was_given(text, expected):
    assert str(PolicySpec.parse(text)) == expected


def test_all_parameters_are_there_however_a_strategy_is_written():
    plain, written, labelled = map(PolicySpec.parse, ("lfu", "lfu:min_age=0,capacity=2", "Mine=lfu"))
    assert plain == written == labelled
    assert plain.parameters == {"capacity": 2.0, "every": 5, "pin_first": False, "min_age": 0}
    assert (plain.given, written.given) == ((), ("min_age", "capacity"))
    assert (labelled.label, labelled.title, labelled.text, written.title) == ("Mine", "Mine", "lfu", str(written))
    assert plain != PolicySpec.parse("lfu:capacity=4")
    assert plain != PolicySpec.parse("lfu-plain")
    assert plain != "lfu"
    assert PolicySpec.parse("gated") == PolicySpec.parse("gated:base=lfu(capacity=2)")
    assert PolicySpec.parse("gated") != PolicySpec.parse("gated:base=lru")


def test_a_copy_of_a_file_is_the_same_strategy(idea, tmp_path):
    copy = tmp_path / "other.py"
    copy.write_text(idea.read_text())
    assert PolicySpec.parse(str(copy)) == PolicySpec.parse(str(idea))
    copy.write_text(f"{idea.read_text()}# changed\n")
    assert PolicySpec.parse(str(copy)) != PolicySpec.parse(str(idea))


def test_other_parameters():
    lfu = PolicySpec.parse("lfu:pin_first=true")
    assert str(lfu.with_(capacity=4)) == "lfu:pin_first=true,capacity=4"
    assert str(lfu.with_(capacity=4).with_(pin_first=False, capacity="3")) == "lfu:pin_first=false,capacity=3"
    assert str(lfu) == "lfu:pin_first=true"
    gated = PolicySpec.parse("gated:timeout=9")
    assert str(gated.with_(base=lfu.with_(every=1))) == "gated:timeout=9,base=lfu(pin_first=true,every=1)"
    assert str(gated.with_(base="lru(capacity=3)")) == "gated:timeout=9,base=lru(capacity=3)"
    assert str(gated.with_(base=PolicySpec.parse("Mine=lru"))) == "gated:timeout=9,base=lru"


def test_a_parameter_is_reached_through_what_wraps_it():
    nested = PolicySpec.parse("oracle-masks:base=gated(timeout=9)")
    assert str(nested.with_(capacity=4)) == "oracle-masks:base=gated(timeout=9,base=lfu(capacity=4))"
    assert nested.owner("capacity") == PolicySpec.parse("lfu")
    assert nested.takes("capacity")
    assert not nested.with_(capacity=4).takes("capacity")
    assert nested.owner("k") is None
    with pytest.raises(VosbenchError, match="unknown parameter of oracle-masks 'k'"):
        nested.with_(k=3)


def test_what_records_hold(idea):
    lfu = {"capacity": 4.0, "every": 5, "pin_first": False, "min_age": 0}
    assert PolicySpec.parse("gated:base=lfu(capacity=4)").strategy == Strategy(
        "gated", {"base": Strategy("lfu", lfu), "threshold": 0.7, "timeout": 25}
    )
    own = PolicySpec.parse(f"Mine={idea}:k=4").strategy
    assert own == Strategy("my-idea", {"k": 4, "share": 0.5, "loud": False, "mood": "calm"})
    assert own.without("k").parameters.keys() == {"share", "loud", "mood"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"capacity": 0.5}, "strategy 'lfu:capacity=0.5': capacity must be at least 1, not 0.5"),
        ({"capacity": True}, "capacity must be of type float, not 'true'"),
        ({"capacity": float("nan")}, "capacity must be of type float, not 'nan'"),
        ({"every": 2.5}, "every must be of type int, not '2.5'"),
        ({"capasity": 2}, "unknown parameter of lfu 'capasity'"),
    ],
)
def test_wrong_values_are_refused_as_in_a_text(values, message):
    with pytest.raises(VosbenchError) as caught:
        PolicySpec.parse("lfu").with_(**values)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=lfu", "'' cannot be the label of lfu"),
        ("a)=lfu", "its parentheses do not match"),
        ("Mine=other=lfu", "has two `=` before its parameters"),
        ("lfu=capacity", "unknown strategy 'capacity'"),
        ("lfu:k", "unknown parameter of lfu 'k'"),
        ("lfu(capacity=4)", "has parentheses, as one within another has"),
        ("a/b=lfu", "the label 'a/b' holds a / or \\"),
        ("a\\b=lfu:capacity=2", "the label 'a\\\\b' holds a / or \\"),
    ],
)
def test_bad_texts(text, message):
    with pytest.raises(VosbenchError) as caught:
        PolicySpec.parse(text)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["W=gated:base=lfu,Me=mine/idea.py", "gated:base=lfu,Me=lru"])
def test_a_label_after_parameters_is_told_how_to_be_one(text):
    with pytest.raises(VosbenchError, match="gated has no parameter Me") as caught:
        PolicySpec.parse(text)
    assert f"-p {text.rpartition(',')[2]}" in caught.value.hint


def test_paths_may_hold_nearly_anything(idea, tmp_path):
    folder = tmp_path / "a:b=c (copy)"
    folder.mkdir()
    path = folder / "my idea.py"
    path.write_text(idea.read_text())
    for text in (f"{path}", f"{path}:k=4", f"Mine={path}:k=4", f"gated:base={path}(k=4),timeout=9"):
        assert str(PolicySpec.parse(text)) == text
    assert PolicySpec.parse(f"Mine={path}").name == "my idea"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "name at least one strategy"),
        (["lfu", "lru", "lfu"], "lfu and lfu are the same strategy: name each once"),
        (["gated:base=lfu(capacity=2)", "Mine=gated"], "gated:base=lfu(capacity=2) and Mine=gated are the same"),
        (["Mine=lfu", "mine=lru"], "Mine=lfu and mine=lru have the same label"),
        (["lru=lfu", "fifo"], "the label of lru=lfu is the name of another strategy"),
    ],
)
def test_strategies_that_cannot_be_compared(entries, message):
    with pytest.raises(VosbenchError) as caught:
        parse_policies(entries)
    assert message in caught.value.message
    assert caught.value.hint


def test_a_label_with_a_folder_in_it_is_said_to_be_no_label():
    """`A/B=./idea.py` may be the path of a file, in a folder `B=.`, but is none."""
    with pytest.raises(VosbenchError, match=r"no strategy file A/B=\./idea\.py") as caught:
        PolicySpec.parse("A/B=./idea.py")
    assert caught.value.hint.startswith("if A/B is a label, write it without / and \\")
