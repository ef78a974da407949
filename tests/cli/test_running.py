"""`run` and `train`: what they leave behind, what they print, and what they do not do twice."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vosbench.bench.record import RunRecord, read_run
from vosbench.images import read_labels


def test_run(small_davis, tmp_path, vosbench, read_json):
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "-p", "fifo:capacity=1.5")
    outcome = vosbench(*arguments, "--out", tmp_path / "run", "--json", tmp_path / "run.json")
    assert outcome.status == 0
    for line in ("first-only", "fifo:capacity=1.5", "copy-first-mask (control)", "predict-nothing (control)"):
        assert f"\n{line} " in outcome.out
    assert f"are in {tmp_path / 'run'}" in outcome.out
    assert "protocol davis2017/1; 2 sequences, 3 objects" in outcome.out
    assert outcome.err.splitlines()[-1].startswith("[8/8] predict-nothing on bee, 6 frames")
    written = read_json(tmp_path / "run.json")
    records = tuple(RunRecord.from_json(record) for record in written["runs"][0]["records"])
    assert sorted(records, key=lambda r: (r.policy.position, r.sequence)) == list(read_run(tmp_path / "run"))

    again = vosbench(*arguments, "--out", tmp_path / "run")
    assert again.out == outcome.out  # the same times: nothing was run
    assert again.err == ""
    fresh = vosbench(*arguments, "--out", tmp_path / "run", "--fresh", "--no-controls", "--sequences", "bee")
    assert [line.split(", 6 frames")[0] for line in fresh.err.splitlines()] == [
        "[1/2] first-only on bee",
        "[2/2] fifo:capacity=1.5 on bee",
    ]
    assert "PARTIAL" in fresh.out
    assert "control" not in fresh.out
    (tmp_path / "run/records/predict-nothing/bee.json").unlink()
    assert vosbench(*arguments, "--out", tmp_path / "run").err.startswith("[8/8] predict-nothing on bee, 6 frames")


@pytest.mark.usefixtures("scored_in_a_thread")
def test_a_busy_machine_is_told_of(small_davis, tmp_path, monkeypatch, vosbench):
    """Only where a run has threads that could wait for each other."""
    arguments = (
        "run",
        "--dataset",
        "davis2017",
        "--root",
        small_davis,
        "-p",
        "first-only",
        "--limit",
        1,
        "--no-controls",
    )
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)  # they would wait for each other
    for load, threads, told in ((7.5, 2, True), (7.5, 1, False), (1.5, 2, False)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0.0, 0.0))
        outcome = vosbench(*arguments, "--threads", threads, "--out", tmp_path / f"{load} {threads}")
        assert outcome.status == 0
        assert ("hint: the load of this machine is 7.5 on 2 cores: --threads 1" in outcome.err) == told


@pytest.mark.usefixtures("scored_in_a_thread")
def test_run_without_a_folder_is_the_latest(small_davis, tmp_path, monkeypatch, vosbench):
    monkeypatch.chdir(tmp_path)
    arguments = ("run", "--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--limit", 1)
    first = vosbench(*arguments)
    folder = next((tmp_path / ".vosbench/runs").iterdir())
    assert folder.name.startswith("davis2017-val-stcn-tiny-")
    assert f".vosbench/runs/{folder.name}" in first.out
    assert vosbench(*arguments, "--top-k", 4).status == 0
    assert len(list((tmp_path / ".vosbench/runs").iterdir())) == 2
    assert "top-4" in vosbench("table").out
    assert vosbench(*arguments).status == 0  # there is nothing to do
    assert "top-20" in vosbench("table").out


def test_youtube_vos_gives_exactly_the_masks_that_the_server_wants(small_youtube, tmp_path, vosbench, read_json):
    outcome = vosbench(
        *("run", "--dataset", "youtube-vos-2019", "--root", small_youtube, "--shorter-side", 48),
        *("-p", "first-and-latest", "-p", "lfu:capacity=2", "--out", tmp_path / "run", "--json", tmp_path / "run.json"),
    )
    assert outcome.status == 0
    assert "not scored" in outcome.out
    assert "control" not in outcome.out
    start = {1: 0, 3: 5, 7: 15}
    for strategy in ("first-and-latest", "lfu_capacity=2"):
        folder = tmp_path / "run/masks" / strategy
        assert [path.name for path in folder.iterdir()] == ["a1"]
        masks = {path.stem: read_labels(path) for path in (folder / "a1").iterdir()}
        assert set(masks) == {f"{10 + 5 * t:05d}" for t in (0, 2, 5, 9, 15, 19)}
        for t in (0, 2, 5, 9, 15, 19):
            mask = masks[f"{10 + 5 * t:05d}"]
            assert mask.shape == (48, 64)
            assert set(np.unique(mask)) <= {0, *(i for i, first in start.items() if first <= t)}
        for object_id, t in start.items():  # given masks come back as they are
            given = read_labels(small_youtube / f"valid/Annotations/a1/{10 + 5 * t:05d}.png")
            assert (given == object_id).any()
            assert np.array_equal(masks[f"{10 + 5 * t:05d}"] == object_id, given == object_id)
    for record in read_json(tmp_path / "run.json")["runs"][0]["records"]:
        assert record["scores"] is None
        assert record["settings"]["shorter_side"] == 48
        assert record["timings"][0]["objects"] == [1] * 5 + [2] * 10 + [3] * 5


@pytest.mark.usefixtures("scored_in_a_thread")
def test_a_plain_folder_runs(small_davis, tmp_path, vosbench):
    shutil.rmtree(small_davis / "ImageSets")
    outcome = vosbench(
        *("run", "--dataset", "folder", "--root", small_davis, "-p", "first-only", "--no-controls"),
        *("--sequences", "ant", "--shorter-side", 0, "--out", tmp_path / "run"),
    )
    assert outcome.status == 0
    assert "folder all; protocol folder/1" in outcome.out
    assert "2 objects" in outcome.out


def test_train(tmp_path, vosbench):
    (tmp_path / "tiny.toml").write_text(
        "size = 48\nbatch = 1\nsteps = 2\nlog_every = 1\nworkers = 0\nthreads = 1\nmax_gap = 2\n"
    )
    arguments = ("train", tmp_path / "tiny.toml", "--out", tmp_path / "training", "--export")
    outcome = vosbench(*arguments, tmp_path / "tiny.safetensors")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "step 1/2",
        "step 2/2",
        f"weights are in {tmp_path / 'tiny.safetensors'}",
    ]
    assert len((tmp_path / "training/curve.csv").read_text().splitlines()) == 3
    again = vosbench(*arguments, tmp_path / "again.safetensors")
    assert again.out == f"weights are in {tmp_path / 'again.safetensors'}\n"
    first, second = (load_file(tmp_path / f"{name}.safetensors") for name in ("tiny", "again"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_train_elsewhere_and_to_an_earlier_step(tmp_path, vosbench, refused):
    """--device overrides the file and says what becomes of the precision; --stop-at ends before the last step."""
    (tmp_path / "tiny.toml").write_text(
        "size = 48\nbatch = 1\nsteps = 3\nlog_every = 1\nworkers = 0\nthreads = 1\nmax_gap = 2\n"
        'precision = "mixed"\ndevice = "cuda:9"\n'
    )
    export = tmp_path / "tiny.safetensors"  # which a later step of the same training replaces
    arguments = ("train", tmp_path / "tiny.toml", "--out", tmp_path / "training", "--device", "cpu", "--export", export)
    first, *steps = vosbench(*arguments, "--stop-at", 1).out.splitlines()
    assert first == "on cpu in fp32 (precision is 'mixed')"
    assert [line.split("  ")[0] for line in steps] == ["step 1/1", f"weights are in {export}"]
    before = export.read_bytes()
    said = [line.split("  ")[0] for line in vosbench(*arguments).out.splitlines()[1:]]
    assert said == ["step 2/3", "step 3/3", f"weights are in {export}"]
    assert export.read_bytes() != before
    elsewhere = (*arguments[:2], "--out", tmp_path / "other", *arguments[-2:])
    assert "tiny.safetensors exists already" in refused(*elsewhere)  # a new training, of the same settings
    (tmp_path / "tiny.toml").write_text("size = 64\nsteps = 1\n")
    assert "tiny.safetensors exists already" in refused(*arguments)  # of other settings, in the folder of this one


def test_a_training_that_ends_in_the_first_of_two_stages_says_so(tmp_path, vosbench):
    (tmp_path / "two.toml").write_text(
        "size = 48\nbatch = 1\nsteps = 2\nlog_every = 1\nworkers = 0\nthreads = 1\nmax_gap = 2\n"
        "[[stages]]\nname = 'one'\n[[stages]]\nname = 'two'\n"
    )
    said = vosbench("train", tmp_path / "two.toml", "--out", tmp_path / "training", "--stop-at", 1).out
    assert said.startswith("one (1 of 2), step 1/1  loss ")
