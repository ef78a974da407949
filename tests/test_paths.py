"""One's own file is named by its path, as text or as a Path, wherever a name is taken."""

from pathlib import Path

import pytest
from my_idea import IDEA

import vosbench
from vosbench.base.values import converted
from vosbench.errors import VosbenchError


def test_a_suite_takes_paths(tmp_path):
    idea = tmp_path / "my_idea.py"
    idea.write_text(IDEA)
    given = {"dataset": idea, "model": idea, "protocol": idea, "root": tmp_path, "policies": (idea, "lfu")}
    texts = {key: str(value) for key, value in given.items() if key != "policies"} | {"policies": (str(idea), "lfu")}
    assert vosbench.Suite(**given) == vosbench.Suite(**texts)
    assert [spec.name for spec in vosbench.Suite(**given).strategies()] == ["my-idea", "lfu"]


def test_functions_take_paths(small_davis, tmp_path):
    data = vosbench.open_dataset("davis2017", small_davis).only(["bee"])
    with pytest.raises(VosbenchError, match="no protocol file nowhere"):
        vosbench.score(tmp_path, data, Path("nowhere.py"))
    with pytest.raises(VosbenchError, match="no protocol file nowhere"):
        vosbench.check_predictions(tmp_path, data, Path("nowhere.py"))
    with pytest.raises(VosbenchError, match="no strategy file nowhere"):
        vosbench.simulate(data, (Path("nowhere.py"),), capacity=2)
    frames = small_davis / "JPEGImages/480p/bee"
    with pytest.raises(VosbenchError, match="no strategy file nowhere"):
        vosbench.segment(frames, {0: small_davis / "Annotations/480p/bee/00000.png"}, Path("nowhere.py"))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ({"name": 3}, "give a text in quotes"),
        ({"names": "a"}, "give a list in brackets, of a text in quotes each"),
        ({"count": "few"}, "give a whole number, such as 4"),
        ({"place": 3}, "give the path of a file or folder or a text in quotes"),
    ],
)
def test_a_hint_says_what_to_give(value, hint):
    hints = {"name": str, "names": tuple[str, ...], "count": int, "place": Path | str}
    ((key, given),) = value.items()
    with pytest.raises(VosbenchError) as caught:
        converted(given, hints[key], key)
    assert caught.value.hint == hint
