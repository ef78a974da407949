"""What makes a strategy another one: a change of its source, and of the sources that it is built on."""

from importlib.metadata import EntryPoint

import pytest
from my_idea import IDEA

from vosbench.base import registry as base_registry
from vosbench.memory import registry
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import PolicySpec


def test_the_source_hash_follows_the_source(idea):
    before = PolicySpec.parse(str(idea))
    assert PolicySpec.parse(str(idea)).source_hash == before.source_hash
    assert PolicySpec.parse(f"{idea}:k=4").source_hash == before.source_hash
    idea.write_text(IDEA.replace("parameter(3", "parameter(4"))  # same length
    after = PolicySpec.parse(str(idea))
    assert after.source_hash != before.source_hash
    assert (before.build().k, after.build().k) == (3, 4)


def test_the_source_hash_covers_what_lies_beside_and_is_imported(idea, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    alone = PolicySpec.parse(str(idea)).source_hash
    idea.write_text(IDEA.replace("\n@dataclass", "\nimport my_helper, math\nfrom my_parts import knobs\n\n@dataclass"))
    (tmp_path / "my_parts").mkdir()
    files = [tmp_path / name for name in ("my_helper.py", "my_deeper.py", "my_parts/__init__.py", "my_parts/knobs.py")]
    for file in files:
        file.write_text("")
    files[0].write_text("def count():\n    from my_deeper import tell\n    import my_helper\n")
    (tmp_path / "stranger.py").write_text("")
    hashes = {alone, PolicySpec.parse(str(idea)).source_hash}
    for file in files:
        file.write_text(file.read_text() + "# changed\n")
        hashes.add(PolicySpec.parse(str(idea)).source_hash)
    assert len(hashes) == 6
    for text in ("# changed", "import nonsense ("):
        (tmp_path / "stranger.py").write_text(text)
        assert PolicySpec.parse(str(idea)).source_hash in hashes
    files[1].write_text("import nonsense (")
    assert PolicySpec.parse(str(idea)).source_hash not in hashes


def test_the_source_hash_covers_the_package_of_a_plugin(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "idea_package" / "inner").mkdir(parents=True)
    for name, text in (("__init__", ""), ("inner/idea", IDEA), ("helper", "")):
        (tmp_path / "idea_package" / f"{name}.py").write_text(text)
    point = EntryPoint("theirs", "idea_package.inner.idea:Idea", POLICIES.group)
    monkeypatch.setattr(base_registry, "entry_points", lambda group: [point] if group == POLICIES.group else [])
    before = PolicySpec.parse("theirs").source_hash
    assert PolicySpec.parse("theirs").source_hash == before
    (tmp_path / "idea_package" / "helper.py").write_text("# changed")
    assert PolicySpec.parse("theirs").source_hash != before


@pytest.mark.parametrize("text", ["from vosbench.policies import lfu", "from vosbench.policies.lfu import LFU as Base"])
def test_the_source_hash_covers_a_strategy_that_ships_and_is_built_on(idea, tmp_path, monkeypatch, text):
    monkeypatch.setattr(registry, "folder_of", lambda _: tmp_path / "policies")
    (tmp_path / "policies").mkdir()
    for name in ("lfu", "lru"):
        (tmp_path / "policies" / f"{name}.py").write_text("")
    idea.write_text(IDEA.replace("\n@dataclass", f"\n{text}\n\n@dataclass"))
    before = PolicySpec.parse(str(idea)).source_hash
    (tmp_path / "policies" / "lru.py").write_text("# changed")
    assert PolicySpec.parse(str(idea)).source_hash == before
    (tmp_path / "policies" / "lfu.py").write_text("# changed")
    assert PolicySpec.parse(str(idea)).source_hash != before


def test_modules_that_only_share_a_folder_do_not_belong_together(tmp_path):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "idea.py").write_text(IDEA.replace("\n@dataclass", "\nimport random\n\n@dataclass"))
    before = PolicySpec.parse(str(folder / "idea.py")).source_hash
    (folder / "random.py").write_text("")
    assert PolicySpec.parse(str(folder / "idea.py")).source_hash == before


def test_the_source_hash_covers_what_is_wrapped(idea):
    before = PolicySpec.parse(f"gated:base={idea}(k=2)").source_hash
    assert PolicySpec.parse(f"gated:base={idea}").source_hash == before
    assert PolicySpec.parse("gated:base=lru").source_hash != PolicySpec.parse("gated:base=lfu").source_hash
    idea.write_text(IDEA + "# edited")
    assert PolicySpec.parse(f"gated:base={idea}(k=2)").source_hash != before
