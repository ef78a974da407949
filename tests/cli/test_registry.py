"""The registry of verbs: found by name, in another package or in a file; the others are not imported for it."""

import inspect
import re
import subprocess
import sys
import typing
from importlib.metadata import EntryPoint

import pytest

from vosbench.base import registry
from vosbench.cli import main
from vosbench.cli.verbs import VERBS

FRAMES = '''"""frames: how many frames a data set has."""

from vosbench.base.words import count
from vosbench.cli import options
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import open_dataset


def frames(dataset: options.DatasetName, root: options.Root = None, split: options.Split = None) -> Answer:
    """Count the frames of a data set."""
    data = open_dataset(dataset, root, split)
    frames = sum(len(data.sequence(name).frames) for name in data.sequence_names())
    print(count(frames, "frame"))
    return Answer(options.conditions(data), {"frames": frames})


VERB = Verb(frames, "vosbench frames --dataset davis2017 --root DAVIS")
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Another package is installed, which has a verb `frames`, and one that fails to load."""
    (tmp_path / "counting").mkdir()
    (tmp_path / "counting/__init__.py").write_text("")
    (tmp_path / "counting/frames.py").write_text(FRAMES)
    (tmp_path / "counting/broken.py").write_text('"""broken: it cannot be imported."""\nimport not_there\n')
    points = [EntryPoint(name, f"counting.{name}", VERBS.group) for name in ("frames", "broken")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == VERBS.group else [])
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("counting")]:
        del sys.modules[name]


def test_another_package_adds_a_verb(package, small_davis, vosbench, read_json, refused):
    shown = vosbench("--help").out
    assert re.search("^ *frames +how many frames a data set has$", shown, re.M)
    assert re.search("^ *broken +it cannot be imported$", shown, re.M)
    assert not {"counting.frames", "counting.broken"} & set(sys.modules)
    outcome = vosbench("frames", "--dataset", "davis2017", "--root", small_davis, "--json", package / "frames.json")
    assert (outcome.status, outcome.out) == (0, "12 frames\n")
    assert read_json(package / "frames.json") == {"frames": 12}
    assert "Example: vosbench frames" in vosbench("frames", "-h").out
    assert "verb 'broken' (counting.broken) fails to load: ModuleNotFoundError" in refused("broken")
    assert "did you mean frames" in refused("frame")


def test_a_verb_of_ones_own_file(tmp_path, small_davis, vosbench, refused):
    (tmp_path / "mine.py").write_text(FRAMES)
    outcome = vosbench(tmp_path / "mine.py", "--dataset", "davis2017", "--root", small_davis)
    assert (outcome.status, outcome.out) == (0, "12 frames\n")
    (tmp_path / "mine.py").write_text("VERB = print\n")
    assert "mine.py is no verb" in refused(tmp_path / "mine.py")


@pytest.mark.parametrize("words", [["--help"], ["list", "protocols"], ["check", "--help"]])
def test_only_the_verb_that_is_asked_for_is_imported(words):
    code = """
import sys
from vosbench.cli import main
status = main(sys.argv[1:])
print(*(name for name in sys.modules if name.startswith("vosbench.cli.verbs.")), sep=",", file=sys.stderr)
sys.exit(status or any(slow in sys.modules for slow in ("pandas", "torch", "matplotlib", "scipy.stats")))
"""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    wanted = "" if words[0].startswith("-") else f"vosbench.cli.verbs.{words[0]}"
    assert (done.returncode, done.stderr) == (0, f"{wanted}\n")


@pytest.mark.parametrize("verb", VERBS.names())
def test_every_argument_and_option_is_explained(verb):
    for name, parameter in inspect.signature(VERBS.find(verb).run).parameters.items():
        (said,) = (told.help for told in typing.get_args(parameter.annotation) if hasattr(told, "help"))
        assert len(said or "") > 5, f"{verb}: {name}"


def test_every_verb_says_what_it_does_in_one_line():
    for name in VERBS.names():
        assert 10 < len(VERBS.about(name)) <= 66, name  # beside the names, in 80 columns


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 1 / 0", r"own\.py:4: ZeroDivisionError: division by zero"),
        ("return None", r"the verb .*own.* returns NoneType, not an Answer"),
    ],
)
def test_a_fault_of_ones_own_verb_is_one_line(tmp_path, capsys, body, said):
    path = tmp_path / "own.py"
    source = f'from vosbench.cli.verbs import Verb\ndef go():\n    """Say."""\n    {body}\nVERB = Verb(go, "own")\n'
    path.write_text(source)
    assert main([str(path)]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error)
    assert "hint: repair" in error
    assert "Traceback" not in error


def test_a_fault_of_ones_own_data_set_is_one_line(tmp_path, capsys):
    path = tmp_path / "own.py"
    path.write_text(
        "from vosbench.datasets.base import Dataset\n"
        "class Own(Dataset):\n"
        "    name, splits = 'own', ('all',)\n"
        "    def _list_names(self): return ('a',)\n"
        "    def frame_folder(self, name): raise KeyError(name)\n"
        "    def mask_folder(self, name): return self.root\n"
    )
    assert main(["check", "--dataset", str(path), "--root", str(tmp_path)]) == 2
    assert re.search(r"own\.py:5: KeyError: 'a'\nhint: repair", capsys.readouterr().err)
