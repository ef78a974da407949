"""Finding strategies: by name, by file, by entry point; parameters; and one clear line for every mistake."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
from my_idea import IDEA

from vosbench.base import registry as base_registry
from vosbench.errors import VosbenchError
from vosbench.memory.policy import MemoryPolicy
from vosbench.memory.registry import POLICIES, describe
from vosbench.memory.spec import PolicySpec, load_policy


def refused(spec: str) -> VosbenchError:
    """The error of a spec, which must be one line and carry a hint."""
    with pytest.raises(VosbenchError) as caught:
        load_policy(spec)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def plugin(monkeypatch):
    """Pretend that a package registers `name` as `value`."""

    def register(name: str, value: str, **contents: object) -> None:
        module = ModuleType("somebodys_package")
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, "somebodys_package", module)
        point = EntryPoint(name, value, POLICIES.group)
        monkeypatch.setattr(base_registry, "entry_points", lambda group: [point] if group == POLICIES.group else [])

    return register


def test_the_strategies_that_ship():
    names = POLICIES.names()
    assert {"every-k", "fifo", "first-and-latest", "first-only", "latest-only", "lfu", "lfu-softmax"} <= set(names)
    for name in names:
        found = PolicySpec.parse(name)
        assert found.name == name
        assert isinstance(found.build(), MemoryPolicy)
        assert found.kind.__doc__
        assert "Source:" in (sys.modules[found.kind.__module__].__doc__ or "")


def test_listing_imports_no_strategy(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("vosbench.policies.")]:
        monkeypatch.delitem(sys.modules, name)
    POLICIES.names()
    assert not any(name.startswith("vosbench.policies.") for name in sys.modules)


def test_parameters_of_every_type(idea):
    found = PolicySpec.parse(f"{idea}:k=7,share=0.25,loud=TRUE,mood=grim")
    assert found.parameters == {"k": 7, "share": 0.25, "loud": True, "mood": "grim"}
    policy = found.build()
    assert (policy.k, policy.share, policy.loud, policy.mood) == (7, 0.25, True, "grim")
    assert load_policy(f"{idea}:loud=false").loud is False
    assert load_policy("lfu:capacity=4").capacity == 4.0


def test_the_least_value_is_allowed():
    assert load_policy("lfu:capacity=1,every=1,min_age=0").capacity == 1


def test_every_build_is_fresh(idea):
    found = PolicySpec.parse(str(idea))
    assert found.build() is not found.build()


def test_a_file_is_named_after_itself(idea):
    found = PolicySpec.parse(str(idea))
    assert (found.name, found.kind.__name__) == ("my-idea", "Idea")


def test_what_is_known_of_a_parameter():
    assert describe(PolicySpec.parse("lfu").kind)["min_age"] == {
        "default": 0,
        "unit": "frames",
        "about": "younger tokens leave only when no older one is left",
        "at_least": 0,
    }


def test_an_entry_point_names_a_class_or_a_module(plugin, idea):
    kind = PolicySpec.parse(str(idea)).kind
    plugin("theirs", "somebodys_package:Theirs", Theirs=kind)
    assert "theirs" in POLICIES.names()
    found = PolicySpec.parse("theirs:k=2")
    assert (found.name, found.build().k) == ("theirs", 2)
    local = type("Local", (kind,), {"__module__": "somebodys_package"})
    plugin("theirs", "somebodys_package", Local=local, Imported=kind)
    assert POLICIES.find("theirs") is local


def test_an_entry_point_does_not_replace_a_strategy_that_ships(plugin, idea):
    plugin("lfu", "somebodys_package:Theirs", Theirs=PolicySpec.parse(str(idea)).kind)
    assert PolicySpec.parse("lfu").kind.__name__ == "LFU"
    assert POLICIES.names().count("lfu") == 1


def test_broken_entry_points(plugin):
    plugin("theirs", "somebodys_package:Absent")
    assert "strategy 'theirs' (somebodys_package:Absent) fails to load: AttributeError" in refused("theirs").message
    plugin("theirs", "somebodys_package:Number", Number=int)
    assert "is no memory strategy" in refused("theirs").message
    plugin("theirs", "somebodys_package", MemoryPolicy=MemoryPolicy)
    assert "one memory strategy, but defines 0" in refused("theirs").message


def test_near_misses():
    error = refused("lfu-sofmax")
    assert error.message == "unknown strategy 'lfu-sofmax'"
    assert "did you mean lfu-softmax" in error.hint
    assert "every-k, fifo" in refused("zzz").hint
    assert "did you mean" in refused("every_k").hint
    error = refused("lfu:capasity=3")
    assert error.message == "unknown parameter of lfu 'capasity'"
    assert "did you mean capacity?" in error.hint
    assert refused("first-only:k=3").hint == "known: none"


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("capacity=0.5", "capacity must be at least 1, not 0.5"),
        ("capacity=nan", "capacity must be of type float, not 'nan'"),
        ("capacity=inf", "capacity must be of type float, not 'inf'"),
        ("capacity=two", "capacity must be of type float, not 'two'"),
        ("every=1.5", "every must be of type int, not '1.5'"),
        ("every=0", "every must be at least 1, not 0"),
        ("min_age=-1", "min_age must be at least 0, not -1"),
        ("pin_first=yes", "pin_first must be true or false, not 'yes'"),
        ("pin_first", "pin_first needs one value"),
        ("every=", "every must be of type int, not ''"),
        ("every=2,every=3", "every needs one value"),
    ],
)
def test_bad_values(tail, message):
    assert refused(f"lfu:{tail}").message == f"strategy 'lfu:{tail}': {message}"


@pytest.mark.parametrize("spec", ["lfu:", "lfu:,", "Mine=lfu:"])
def test_a_colon_without_a_parameter(spec):
    error = refused(spec)
    assert error.message == f"strategy {spec!r} has no parameter after its colon"
    assert error.hint.endswith("lfu, or Mine=lfu:KEY=VALUE" if "=" in spec else "lfu, or lfu:KEY=VALUE")


def test_the_hint_of_a_bad_value_says_what_the_parameter_is():
    assert refused("lfu:capacity=0").hint == "capacity [frames]: size of the bank, 2 by default"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "one memory strategy, but defines 0"),
        (
            "from vosbench.memory.policy import MemoryPolicy, BoundedPolicy",
            "one memory strategy, but defines 0",
        ),
        (IDEA + IDEA.replace("Idea", "Other"), "one memory strategy, but defines 2"),
        ("def admit(:\n  pass", "fails to load: SyntaxError: "),
        ("1/0", "fails to load: ZeroDivisionError: division by zero"),
        ("import no_such_package", "fails to load: ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise ValueError('two\\nlines')", "fails to load: ValueError: two lines"),
        (IDEA.replace("def admit", "def admits"), "Idea does not define admit"),
        (IDEA.replace("@dataclass", ""), "Idea has parameters but is no dataclass"),
        (IDEA.replace('str = parameter("calm"', "list = parameter(None"), "parameter mood has no bool, int, float or"),
        (IDEA.replace("k: int = parameter(3,", "k: int #"), "parameter k has no bool, int, float or str"),
    ],
)
def test_bad_files(tmp_path, source, message):
    path = tmp_path / "idea.py"
    path.write_text(source)
    error = refused(str(path))
    assert message in error.message
    assert "idea" in error.message  # which file
    with pytest.raises(VosbenchError):  # and no half-loaded module is left behind
        load_policy(str(path))


def test_no_such_file(tmp_path):
    assert f"no strategy file {tmp_path / 'idea.py'}" in refused(f"{tmp_path / 'idea.py'}:k=3").message
    assert "no strategy file idea.py" in refused("idea.py").message


# Strategies that wrap others


def test_a_wrapped_strategy_takes_parameters_in_parentheses(idea):
    policy = load_policy("gated:base=lfu(capacity=4,every=2),threshold=0.6")
    assert (type(policy.base).__name__, policy.base.capacity, policy.base.every) == ("LFU", 4.0, 2)
    assert (policy.threshold, policy.timeout) == (0.6, 25)
    assert load_policy("gated").base.capacity == 2.0
    assert load_policy(f"gated:base={idea}(k=7,mood=grim)").base.mood == "grim"
    assert load_policy(f"gated:base={idea}").base.k == 3
    nested = load_policy("oracle-masks:base=gated(base=fifo(capacity=3,every=1),timeout=9)")
    assert (nested.base.timeout, nested.base.base.capacity, nested.needs_truth) == (9, 3.0, True)
    assert load_policy("gated:base=oracle-masks").needs_truth
    assert load_policy("gated:base=offline").needs_future
    assert not load_policy("gated").needs_truth


def test_wrapped_strategies_are_fresh():
    found = PolicySpec.parse("gated:base=lfu(capacity=4)")
    assert found.build().base is not found.build().base
    assert found.parameters == PolicySpec.parse("gated").parameters | {"base": PolicySpec.parse("lfu:capacity=4")}
    assert describe(found.kind)["base"]["default"] == "lfu"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gated:base=lfuu", "unknown strategy 'lfuu'"),
        ("gated:base=lfu(capasity=2)", "unknown parameter of lfu 'capasity'"),
        ("gated:base=lfu(capacity=0)", "strategy 'lfu:capacity=0': capacity must be at least 1"),
        ("gated:base=lfu(capacity=2", "its parentheses do not match"),
        ("gated:base=lfu)", "its parentheses do not match"),
        ("gated:base=(lfu)", "base is no strategy: '(lfu)'"),
        ("gated:base=lfu(every=2)(every=3)", "unknown strategy 'lfu(every=2)'"),
        ("gated:base=", "base is no strategy: ''"),
        ("lfu:capacity=(4)", "capacity must be of type float, not '(4)'"),
    ],
)
def test_bad_wrapped_strategies(spec, message):
    assert message in refused(spec).message
