"""The example in the help of every verb does what it says, in a folder that has what it names."""

import shlex
import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import toy_network
from layouts import frame
from my_idea import IDEA
from safetensors.torch import load_file
from torch import save

from vosbench import cli
from vosbench.bench.record import read_record, write_record
from vosbench.cli.verbs import VERBS
from vosbench.images import write_labels
from vosbench.models.checkpoint import WEIGHTS
from vosbench.training import stages
from vosbench.video_file import writing_mp4

EXAMPLES = {name: VERBS.find(name).example for name in VERBS.names()}
EXAMPLES |= {f"{name} {word}": e for name in EXAMPLES for word, e in VERBS.find(name).examples.items()}
LEAVES = {
    "run": ".vosbench/runs/davis2017-val-*/records/lfu_capacity=2/bee.json",
    "simulate": "curve.png",
    "train": "tiny.safetensors",
    "pack": "data.tar.xz",
    "score": "scored/records/*/bee.json",
    "export": "submission.zip",
    "timing": "stages.csv",
    "figure": "strip.pdf",
    "video": "bee.mp4",
    "segment": "segmented/overlay.mp4",
    "merge": "whole/records/first-only/ant.json",
    "table": "table.tex",
    "plot": "figures/memory-against-frame.svg",
    "compare": "gate.xml",
    "publish": "results/NAME/strategies.tex",
}


@pytest.fixture
def folder(small_davis, finished_run, tmp_path, monkeypatch):
    """A working folder with `DAVIS`, `masks` of its val split and `theirs`, `stcn.pth`, `mynet.py`, `idea.py`, a
    finished run NAME, made from a commit, and copies of it, `baseline`, `new` and `shards`; `clip.mp4`, and masks of
    its objects.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_davis / "Annotations/480p", "masks")
    shutil.rmtree("masks/cat")
    shutil.copytree("masks", "theirs")
    for path in (tmp_path / "masks").glob("*/0000[1-4].png"):
        shutil.copy(path.with_name("00000.png"), path)  # not the ground truth itself
    for path in shutil.copytree(finished_run / "run", tmp_path / ".vosbench/runs/NAME").glob("records/*/*.json"):
        record = read_record(path)
        write_record(path, replace(record, environment=replace(record.environment, commit="c0ffee", dirty=False)))
    with writing_mp4(tmp_path / "clip.mp4", (48, 64), Fraction(24)) as write:
        for t in range(6):
            write(frame(t, (1, 2))[0], t)
    for name, t, i in (("first", 0, 1), ("late", 5, 2)):
        write_labels(tmp_path / f"{name}.png", np.where(frame(t, (1, 2))[1] == i, 255, 0).astype(np.uint8))
    for name in ("baseline", "new", "shards/1", "shards/2"):
        shutil.copytree(".vosbench/runs/NAME", name)
    for root in ("static/ecssd", "video/davis2016-320"):
        shutil.copytree(small_davis / "JPEGImages/480p", f"{root}/JPEGImages")
        shutil.copytree(small_davis / "Annotations/480p", f"{root}/Annotations")
    shutil.copy(toy_network.__file__, "mynet.py")
    (tmp_path / "idea.py").write_text(IDEA)
    save(load_file(WEIGHTS / "stcn-tiny.safetensors"), "stcn.pth")
    return tmp_path


@pytest.fixture
def short_training(tmp_path, monkeypatch):
    """The training that ships, but two steps of it."""
    (tmp_path / "configs").mkdir()
    text = "# two steps\nsteps = 2\nsize = 32\nbatch = 1\nbootstrap_start = 0\nbootstrap_end = 1\nworkers = 0\n"
    text += "threads = 1\ninitial = 'stcn-tiny'\n"
    (tmp_path / "configs/stcn-tiny.toml").write_text(text)
    monkeypatch.setattr(stages, "SHIPPED", tmp_path / "configs")


@pytest.mark.usefixtures("scored_in_a_thread", "short_training", "real_network")  # processes of `simulate` load it
@pytest.mark.parametrize("verb", EXAMPLES)
def test_the_example_of_a_verb(verb, folder, capsys):
    if verb == "export":  # of a split whose ground truth is private
        shutil.rmtree("masks")
        shutil.copytree("DAVIS/Annotations/480p/cat", "masks/cat")
        for frame in range(6):
            shutil.copy("DAVIS/Annotations/480p/cat/00000.png", f"masks/cat/{frame:05d}.png")
    program, *arguments = shlex.split(EXAMPLES[verb])
    words = verb.split()
    assert (program, arguments[: len(words)]) == ("vosbench", words)
    status, said = cli.main(arguments), capsys.readouterr()
    assert (status, "error" in said.err) == (0, False), said.err
    assert list(folder.glob(LEAVES[verb])) if verb in LEAVES else said.out or said.err


def test_the_help_after_a_word_shows_the_example_of_that_word(capsys):
    for words, example in EXAMPLES.items():
        cli.main([*words.split(), "-h"])
        assert f"Example: {example}" in " ".join(capsys.readouterr().out.split())
