"""`--json`: one shape for all verbs, in a file or on standard output, where nothing else goes then."""

import json
import shutil

import pytest

from vosbench.cli.app import SCHEMA
from vosbench.cli.verbs import VERBS

RUN = ("run", "--dataset", "davis2017", "--root", "DAVIS", "--limit", 1, "-p", "first-only", "--no-controls")
DATA = ("--dataset", "davis2017", "--root", "DAVIS")
COMMANDS = {
    "reproduce": ("reproduce", "table2"),
    "check": ("check", "masks", *DATA),
    "compare": ("compare", "run", "run-again"),
    "export": ("export", "cat", *DATA, "--split", "test-dev"),
    "figure": ("figure", "run", "--sequence", "bee", "--number", 1, "--out", "strip.svg"),
    "list": ("list", "protocols"),
    "pack": ("pack", "DAVIS", "--out", "data.tar.xz"),
    "merge": ("merge", "run", "run-again", "--out", "merged"),
    "plot": ("plot", "run", "--format", "svg"),
    "publish": ("publish", "run", "--out", "published", "--allow-dirty"),
    "report": ("report", "run", "--out", "pages", "--jobs", 1),
    "run": (*RUN, "--out", "out"),
    "score": ("score", "masks", *DATA, "--jobs", 1),
    "segment": ("segment", "DAVIS/JPEGImages/480p/bee", "--mask", "masks/bee/00000.png", "--out", "segmented"),
    "simulate": ("simulate", *DATA, "-p", "lfu", "--limit", 1, "--jobs", 1),
    "table": ("table", "run"),
    "timing": ("timing", "run"),
    "train": ("train", "tiny.toml", "--out", "training"),
    "video": ("video", "run", "--sequence", "bee", "--out", "bee.mp4"),
}
CONDITIONS = {
    "table": {"protocol": "davis2017/1", "partial": False, "sequences": 2, "objects": 3},
    "timing": {"protocol": "davis2017/1", "partial": False},
    "publish": {"run": "run", "protocol": "davis2017/1"},
    "check": {"dataset": "davis2017", "split": "val", "predictions": "masks", "partial": False},
    "export": {"dataset": "davis2017", "split": "test-dev"},
    "list": {"list": "protocols"},
    "figure": {"run": "run", "sequence": "bee"},
    "segment": {"size": "64x48", "model": "stcn-tiny", "shorter_side": 480},
    "video": {"run": "run", "sequence": "bee"},
    "score": {"dataset": "davis2017", "split": "val", "protocol": "davis2017/1", "predictions": "masks"},
    "simulate": {"dataset": "davis2017", "partial": True, "model": "stcn-tiny", "device": "cpu", "top_k": 20},
}


@pytest.fixture
def folder(finished_run, tmp_path, monkeypatch):
    """A working folder with all that `COMMANDS` name."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run / "DAVIS", "DAVIS")
    for name in ("run", "run-again"):
        shutil.copytree(finished_run / "run", name)
    shutil.copytree("DAVIS/Annotations/480p", "masks", ignore=lambda *_: ["cat"])
    for frame in range(6):
        (tmp_path / "cat/cat").mkdir(parents=True, exist_ok=True)
        shutil.copy("DAVIS/Annotations/480p/cat/00000.png", f"cat/cat/{frame:05d}.png")
    (tmp_path / "tiny.toml").write_text("size = 48\nbatch = 1\nsteps = 2\nworkers = 0\nthreads = 1\nmax_gap = 2\n")
    return tmp_path


def test_every_verb_is_tried():
    assert set(COMMANDS) == set(VERBS.names())


@pytest.mark.usefixtures("scored_in_a_thread", "folder")
@pytest.mark.parametrize("verb", COMMANDS)
def test_standard_output_is_json_and_nothing_else(verb, vosbench):
    outcome = vosbench(*COMMANDS[verb], "--json", "-")
    written = json.loads(outcome.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert list(written) == ["schema", "verb", "conditions", "result"]
    assert (written["schema"], written["verb"], type(written["conditions"])) == (SCHEMA, verb, dict)
    assert isinstance(written["result"], dict)
    assert CONDITIONS.get(verb, {}).items() <= written["conditions"].items()
    assert outcome.status == (2 if verb == "check" else 0)  # masks that equal the ground truth


@pytest.mark.usefixtures("scored_in_a_thread", "folder")
@pytest.mark.parametrize(
    ("verb", "place"),
    [
        ("table", ()),
        ("timing", ()),
        ("publish", ()),
        ("compare", ("baseline",)),
        ("plot", ("runs", 0)),
        ("report", ("runs", 0)),
    ],
)
def test_what_is_made_of_runs_says_under_which_conditions(verb, place, vosbench):
    conditions = json.loads(vosbench(*COMMANDS[verb], "--json", "-").out)["conditions"]
    for key in place:
        conditions = conditions[key]
    assert (conditions["dataset"]["name"], conditions["dataset"]["split"]) == ("davis2017", "val")
    assert conditions["model"]["name"] == "stcn-tiny"
    assert conditions["settings"]["top_k"] == 20
    assert "cpu" in conditions["devices"][0]


@pytest.mark.usefixtures("scored_in_a_thread", "folder")
def test_a_run_says_what_it_was_asked_for_and_what_was_used(vosbench):
    written = json.loads(vosbench(*COMMANDS["run"], "--json", "-").out)
    (suite,), (run,) = written["conditions"]["suites"], written["result"]["runs"]
    assert (suite["dataset"], suite["limit"], suite["device"]) == ("davis2017", 1, "cpu")
    assert (run["folder"], run["conditions"]["settings"]["top_k"], len(run["records"])) == ("out", 20, 1)


def test_a_file_holds_what_standard_output_gets(folder, vosbench):
    on_screen = vosbench("list", "protocols", "--json", "-")
    printed = vosbench("list", "protocols", "--json", "new/list.json")
    assert (folder / "new/list.json").read_text() == on_screen.out
    assert printed.out == on_screen.err  # what people read is not lost
    assert not (folder / "-").exists()


def test_an_error_leaves_standard_output_empty(refused):
    assert "unknown data set" in refused("score", "masks", "--dataset", "davis", "--json", "-")
