"""What a user can get wrong: each fault is one line that names it, a hint, and exit status 2."""

import shutil

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file
from spoiling import anti_alias, make_folder, recolour, relabel, truncate
from torch import zeros

from vosbench.models.checkpoint import read_checkpoint

FIRST = "Annotations/480p/ant/00000.png"
DATA_FAULTS = {
    "a split that names an absent sequence": (
        lambda root: (root / "ImageSets/2017/val.txt").write_text("wasp\nant\n"),
        ["sequence wasp of davis2017 val is absent", "JPEGImages/480p/wasp does not exist", "take it off"],
    ),
    "no split file": (
        lambda root: (root / "ImageSets/2017/val.txt").unlink(),
        ["split val of davis2017 has no list", "val.txt does not exist", "splits found there: test-dev"],
    ),
    "an empty split file": (
        lambda root: (root / "ImageSets/2017/val.txt").write_text("\n"),
        ["davis2017 val in", "has no sequence", "--split"],
    ),
    "a truncated first frame": (
        lambda root: truncate(root / "JPEGImages/480p/ant/00000.jpg"),
        ["ant/00000.jpg is truncated", "copy the file again"],
    ),
    "a folder for a frame": (
        lambda root: make_folder(root / "JPEGImages/480p/ant/00005.jpg"),
        ["ant/00005.jpg", "Is a directory", "again"],
    ),
    "a truncated later frame": (
        lambda root: truncate(root / "JPEGImages/480p/ant/00005.jpg"),
        ["ant/00005.jpg is truncated", "copy the file again"],
    ),
    "an empty frame": (
        lambda root: (root / "JPEGImages/480p/ant/00002.jpg").write_bytes(b""),
        ["ant/00002.jpg is truncated", "copy the file again"],
    ),
    "a frame of another size": (
        lambda root: Image.new("RGB", (64, 40)).save(root / "JPEGImages/480p/ant/00003.jpg"),
        ["frame 00003 of ant is 64x40", "the frames before it 64x48", "one size"],
    ),
    "no frames": (
        lambda root: shutil.rmtree(root / "JPEGImages/480p/ant"),
        ["JPEGImages/480p/ant does not exist", "unpack it"],
    ),
    "a frame that lacks": (
        lambda root: (root / "JPEGImages/480p/ant/00004.jpg").unlink(),
        ["ant lacks frames 00004, which have masks", "unpack the frames again"],
    ),
    "a truncated mask": (lambda root: truncate(root / FIRST), [FIRST, "not a readable PNG", "again"]),
    "no first mask": (lambda root: (root / FIRST).unlink(), [FIRST, "does not exist", "unpack the annotations again"]),
    "no later mask": (
        lambda root: (root / "Annotations/480p/ant/00002.png").unlink(),
        ["Annotations/480p/ant lacks the masks of frames 00002", "unpack the annotations again"],
    ),
    "a mask of another size": (
        lambda root: relabel(root / FIRST, lambda labels: labels[:-1]),
        [FIRST, "is 64x47 pixels, its frame 64x48", "nearest neighbour"],
    ),
    "an RGB mask": (
        lambda root: recolour(root / FIRST),
        [FIRST, "is a RGB image, not a label map", "palette or 8-bit"],
    ),
    "a 0/255 mask": (
        lambda root: relabel(root / FIRST, lambda labels: np.where(labels > 0, 255, 0)),
        [FIRST, "is a 0/255 mask, but object ids are expected", "davis2016"],
    ),
    "an anti-aliased mask": (lambda root: anti_alias(root / FIRST), [FIRST, "is anti-aliased", "nearest neighbour"]),
    "a mask without an object": (
        lambda root: relabel(root / FIRST, np.zeros_like),
        [FIRST, "holds no object", "what to follow"],
    ),
}


@pytest.mark.parametrize("fault", DATA_FAULTS)
def test_faults_of_the_data_set(small_davis, tmp_path, refused, fault):
    spoil, expected = DATA_FAULTS[fault]
    spoil(small_davis)
    said = refused(
        *("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--limit", 1, "--no-controls"),
        *("--out", tmp_path / "run"),
    )
    for words in expected:
        assert words in said


DAVIS = ("--dataset", "davis2017", "--root", "DAVIS")
COMMANDS = {
    "no root": (["run", "--dataset", "davis2017"], ["davis2017 needs a root folder", "--root"]),
    "absent root": (["run", "--dataset", "davis2017", "--root", "no"], ["root no is not a folder", "--root"]),
    "root without pictures": (
        ["run", "--dataset", "davis2017", "--root", "empty"],
        ["empty holds no 480p pictures", "the folder that holds both as root (--root)"],
    ),
    "unknown data set": (["run", "--dataset", "davis"], ["unknown data set 'davis'", "davis2017"]),
    "unknown split": (["run", *DAVIS, "--split", "vall"], ["unknown split 'vall'", "val"]),
    "absent split": (["run", *DAVIS, "--split", "train"], ["train.txt does not exist", "test-dev, val"]),
    "unknown frame mode": (
        ["run", *DAVIS, "--frame-mode", "720p"],
        ["unknown frame mode '720p'", "480p"],
    ),
    "absent resolution": (["run", *DAVIS, "--frame-mode", "Full-Resolution"], ["no Full-Resolution", "--frame-mode"]),
    "unknown sequence": (["run", *DAVIS, "--sequences", "ant,bees"], ["unknown sequence 'bees'", "bee"]),
    "no sequence": (["run", *DAVIS, "--sequences", ","], ["empty list of sequences", "at least one"]),
    "limit of nothing": (["run", *DAVIS, "--limit", "0"], ["a limit of 0 sequences", "1 or more"]),
    "unknown policy": (["run", *DAVIS, "-p", "fiffo"], ["unknown strategy 'fiffo'", "fifo"]),
    "unknown parameter": (
        ["run", *DAVIS, "-p", "lfu:capasity=2"],
        ["unknown parameter of lfu 'capasity'", "did you mean capacity"],
    ),
    "absent policy file": (["run", *DAVIS, "-p", "idea.py"], ["no strategy file idea.py", "defines a strategy"]),
    "the same policy twice": (["run", *DAVIS, "-p", "lfu", "-p", "lfu"], ["each once", "leave out one"]),
    "unknown model": (["run", *DAVIS, "--model", "stcn-tny"], ["unknown model 'stcn-tny'", "stcn-tiny"]),
    "absent checkpoint": (["run", *DAVIS, "--model", "stcn.pth"], ["no checkpoint stcn.pth", "stcn-tiny"]),
    "unknown protocol": (["run", *DAVIS, "--protocol", "davis2071"], ["unknown protocol 'davis2071'", "davis2017"]),
    "unknown device": (["run", *DAVIS, "--device", "gpu"], ["unknown device 'gpu'", "cpu"]),
    "unknown affinity": (["run", *DAVIS, "--affinity", "l1"], ["'--affinity'", "'l2', 'dot', 'cosine'", "--help"]),
    "unknown precision": (
        ["run", *DAVIS, "--precision", "fp8"],
        ["'--precision': 'fp8' is not one of ", "'fp32', 'tf32', 'bf16', 'fp16'"],
    ),
    "precision of another device": (
        ["run", *DAVIS, "--precision", "fp16"],
        ["a CPU does not compute in fp16", "--precision fp32 or bf16"],
    ),
    "top-k of nothing": (["run", *DAVIS, "--top-k", "0"], ["'--top-k'", "1", "--help"]),
    "shorter side of nothing": (
        ["run", *DAVIS, "--shorter-side", "8"],
        ["shorter_side must be at least 16 pixels or 0, not 8", "give 16"],
    ),
    "unknown flag": (["run", *DAVIS, "--frsh"], ["No such option: --frsh", "--fresh", "--help"]),
    "unknown verb": (["rum"], ["unknown verb 'rum'", "did you mean run", "own verb"]),
    "a value that is no number": (["run", *DAVIS, "--limit", "all"], ["'--limit'", "integer", "--help"]),
    "a flag without its value": (["run", *DAVIS, "--limit"], ["--limit", "requires an argument", "--help"]),
    "absent suite": (
        ["run", "night.toml"],
        ["cannot read night.toml", "name a TOML file, or one of: catalogue, paper-"],
    ),
    "unknown suite": (
        ["run", "paper-table9"],
        ["unknown suite 'paper-table9'", "did you mean paper-", ".toml"],
    ),
    "a suite that is no TOML": (["run", "broken.toml"], ["broken.toml is not TOML", "write lines like top_k = 20"]),
    "a suite of a strategy that is gone": (["run", "gone.toml", *DAVIS], ["unknown strategy 'first-last'", "first-"]),
    "a suite of two without a root": (["run", "paper-table1"], ["davis2016 needs a root folder", "--root"]),
    "a root of another data set": (
        ["run", "paper-table1", "--root", "youtube-vos-2019=Y"],
        ["the suite has no data set youtube-vos-2019", "davis2016, davis2017"],
    ),
    "repeats of nothing": (["run", *DAVIS, "--repeats", "0"], ["'--repeats'", "1", "--help"]),
    "unwritable run folder": (["run", *DAVIS, "--out", "file/run"], ["cannot write", "file/run", "--out"]),
    "nothing to score": (["score"], ["predictions", "--help"]),
    "masks of an empty name": (["score", "A=", *DAVIS], ["A= names no folder", "NAME=FOLDER"]),
    "absent masks to score": (["score", "masks", *DAVIS], ["masks is not a folder", "<sequence>/<frame>.png"]),
    "no masks to score": (["score", "empty", *DAVIS], ["predictions lack the sequence ant", "for every sequence"]),
    "private ground truth": (
        ["score", "masks", *DAVIS, "--split", "test-dev"],
        ["the ground truth of davis2017 test-dev is private", "export"],
    ),
    "absent masks to export": (["export", "masks", *DAVIS], ["masks is not a folder", "<sequence>/<frame>.png"]),
    "data set to export for": (["export", "masks"], ["--dataset", "--help"]),
    "data set to check": (["check"], ["--dataset", "e.g. vosbench check"]),
    "strategy to check": (["check", "policy"], ["policy needs a name or a file", "check policy ./mine.py"]),
    "absent strategy to check": (
        ["check", "policy", "idea.py"],
        ["no strategy file idea.py", "defines a strategy"],
    ),
    "strategy and masks to check": (["check", "masks", "lfu"], ["--dataset", "the word policy"]),
    "strategies with commas": (["run", *DAVIS, "-p", "lfu,fifi"], ["unknown strategy 'fifi'", "fifo"]),
    "unbalanced parentheses": (["check", "policy", "gated:base=lfu(every=2"], ["parentheses", "base=NAME"]),
    "root to check": (["check", "--dataset", "davis2017", "--root", "no"], ["root no is not a folder", "--root"]),
    "unknown list": (["list", "policy"], ["unknown list 'policy'", "policies"]),
    "no run": (["table"], ["there is no run in .vosbench/runs", "vosbench run"]),
    "absent run": (["timing", "no"], ["run no does not exist", "vosbench run"]),
    "empty run": (["plot", "empty"], ["run empty holds no records", "vosbench run"]),
    "unknown row": (["table", "--by", "colour"], ["unknown table 'colour'", "strategy"]),
    "no configuration": (["train"], ["config", "--help"]),
    "export of another kind": (["train", "tiny.toml", "--out", "t", "--export", "a.pth"], ["a.pth", ".safetensors"]),
    "an export that is there": (
        ["train", "stcn-tiny", "--out", "t", "--export", "there.safetensors"],
        ["there.safetensors exists already", "--export", "--overwrite"],
    ),
    "packing into another kind": (["pack", "DAVIS", "--out", "a.zip"], ["cannot pack into a.zip", ".tar.xz"]),
    "a training on an absent GPU": (
        ["train", "stcn-tiny", "--out", "t", "--device", "cuda:9"],
        ["cuda:9", "--device cpu"],
    ),
    "a long training without a GPU": (
        ["train", "paper", "--out", "t", "--device", "cuda:9"],
        ["cuda:9", "300,000 steps", "would take weeks", "stcn-tiny"],
    ),
    "a step beyond the last": (
        ["train", "stcn-tiny", "--out", "t", "--stop-at", "7681"],
        ["--stop-at 7681", "last step, 7680"],
    ),
    "a mean not exported": (["train", "tiny.toml", "--out", "t", "--average", "a.pt"], ["--average", "--export"]),
}


@pytest.mark.parametrize("fault", COMMANDS)
def test_faults_of_the_command(small_davis, monkeypatch, refused, fault):
    monkeypatch.chdir(small_davis.parent)
    small_davis.parent.joinpath("empty").mkdir()
    for name in ("file", "there.safetensors"):
        small_davis.parent.joinpath(name).write_text("")
    small_davis.parent.joinpath("broken.toml").write_text("top_k = ")
    small_davis.parent.joinpath("tiny.toml").write_text("steps = 2")
    small_davis.parent.joinpath("gone.toml").write_text("policies = ['first-last']")
    command, expected = COMMANDS[fault]
    said = refused(*command)
    for words in expected:
        assert words in said


def test_weights_of_another_network(small_davis, tmp_path, refused):
    def said_of(path):
        return refused("run", "--dataset", "davis2017", "--root", small_davis, "--model", path)

    path = tmp_path / "other.safetensors"
    save_file({"conv1.weight": zeros(4, 3, 7, 7), "fc.weight": zeros(2, 4)}, path)
    said = said_of(path)
    assert f"{path} holds the weights of no network that is known: 2 tensors" in said
    assert "known are stcn" in said

    save_file({**read_checkpoint("stcn-tiny").state, "key_proj.key_proj.weight": zeros(9, 3, 7, 7)}, path)
    assert "does not fit stcn-tiny" in said_of(path)
    assert "1 mis-shaped (key_proj.key_proj.weight is (9, 3, 7, 7), not" in said_of(path)

    path = tmp_path / "text.pth"
    path.write_text("weights")
    said = said_of(path)
    assert f"{path} is a text, such as JSON, not a checkpoint" in said
    assert ".safetensors" in said


def test_cuda_asked_for_and_absent(small_davis, monkeypatch, refused):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    said = refused("run", "--dataset", "davis2017", "--root", small_davis, "--device", "cuda")
    assert "device cuda was asked for, but this machine" in said
    monkeypatch.setattr("vosbench.cli.verbs.simulate.open_dataset", lambda *_, **__: pytest.fail("makes clips first"))
    assert "device cuda was asked for" in refused("simulate", "-p", "lfu", "--device", "cuda")
    assert "--device cpu" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "cannot read tiny.toml: No such file"),
        ("steps = ", "tiny.toml is not TOML"),
        ("steps = ", "write lines like steps = 8000"),
        ("photos = 'photos'", "the training needs photos, which "),
        ("stepz = 3", "unknown setting in tiny.toml 'stepz'"),
        ("steps = 'few'", "steps must be of type int"),
    ],
)
def test_faults_of_a_training(tmp_path, monkeypatch, vosbench, text, expected):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "tiny.toml").write_text(text)
    outcome = vosbench("train", "tiny.toml", "--out", "t")
    assert outcome.status == 2
    assert outcome.err.startswith("vosbench: error: ")
    assert expected in outcome.err
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("name", ["stcn-tiny", "stcn-tiny-two-stages"])
def test_a_training_without_its_data_says_what_lacks_and_where(tmp_path, monkeypatch, refused, name):
    monkeypatch.chdir(tmp_path)
    said = refused("train", name, "--out", "t")
    assert said.startswith("error: the training needs ")
    assert f", which {tmp_path} does not hold\n" in said
    assert "relative to the folder in which the command is started" in said
    assert [*tmp_path.iterdir()] == []
