"""What the model card says of the settings of the bundled weights is what the configurations that ship have."""

from pathlib import Path

from vosbench.models.checkpoint import WEIGHTS
from vosbench.training.config import CutoutData, TrainConfig
from vosbench.training.stages import read_stages

CARD = (WEIGHTS / "stcn-tiny.md").read_text(encoding="utf-8")
STAGES = [stage.config for stage in read_stages("stcn-tiny")]

PAIRS = {  # as the card counts them
    "ecssd": 1000,
    "sod_bsds": 227,
    "ccp1004": 250,
    "weizmann_horses": 160,
    "voc2007seg44": 43,
    "msrc_cow30": 30,
}
SEQUENCES = {"davis2016-320": 14, "segtrackv2_bmx": 1}


def row(name: str) -> str:
    (found,) = (line for line in CARD.split("\n## ")[0].splitlines() if line.startswith(f"| {name} |"))
    return found


def test_precision_threads_and_average():
    assert [stage.precision for stage in STAGES] == ["fp32"] * 3 + ["bf16"] * 4
    assert "stages 0 to 2: fp32; from stage 3 on: bfloat16" in row("precision")
    assert [stage.average for stage in STAGES] == [0.0] * 4 + [0.998] * 3
    assert "moving average of the weights (0.998) from stage 4 on, none in stages 0 to 3" in row("optimiser")
    assert [stage.threads for stage in STAGES] == [2] * 3 + [1] * 4
    assert "on generated clips, on one to two cores" in row("hours")
    assert "on real shapes, on one core" in row("hours")


def test_loss_rates_and_seeds():
    assert [stage.jaccard for stage in STAGES] == [stage.spoiled * 2 for stage in STAGES] == [0.0] * 4 + [0.5] * 3
    assert "Stages 0 to 3 have the cross-entropy alone" in row("loss")
    assert [stage.bootstrap_end > 1 for stage in STAGES] == [True, True] + [False] * 5
    assert "(in stages 0 and 1 of all at first)" in row("loss")
    assert {stage.key_encoder_rate for stage in STAGES} == {0.1, 0.2, 0.3}
    assert "at a tenth to three tenths of the rate" in row("start")
    assert {(stage.optimizer, stage.schedule, stage.weight_decay, stage.gradient_norm) for stage in STAGES} == {
        ("adamw", "one-cycle", 1e-4, 1.0)
    }
    seeds = [stage.seed for stage in STAGES]
    assert f"{', '.join(map(str, seeds[:3]))}; {', '.join(map(str, seeds[3:]))}" in row("seeds")


def shares(stage: TrainConfig) -> list[int]:
    """Of 100 clips those of generated scenes, cut-outs, photographs and video; without weights an epoch is counted."""
    found = dict.fromkeys(("generated", "cutouts", "static", "folder"), 0.0)
    for data in stage.data:
        pairs = {"static": PAIRS, "folder": SEQUENCES}.get(data.kind, {})
        clips = data.repeat * pairs[Path(data.root).name] if pairs else data.clips
        found[data.kind] += data.weight or clips
    return [round(100 * count / sum(found.values())) for count in found.values()]


def test_shares_of_clips():
    assert [shares(stage) for stage in STAGES[:3]] == [[100, 0, 0, 0]] * 3
    assert [shares(stage) for stage in STAGES[3:]] == [[11, 0, 48, 41], [5, 45, 20, 30], *[[0, 42, 20, 38]] * 2]
    told = row("then, real shapes")
    assert "42, 20 and 38 of 100 clips in stages 5 and 6; in stage 4 45, 20 and 30, and 5 generated ones" in told
    assert "Stage 3 had no cut-outs yet: 11 generated clips of 100, 48 of photographs and 41 of video" in told
    from_video = [data.from_video for stage in STAGES for data in stage.data if isinstance(data, CutoutData)]
    assert from_video == [0.35, 0.4, 0.4]
    assert "35 of 100 came from video in stage 4, 40 after it" in told
    for count in ("ECSSD (1,000;", "BSDS (227)", "CCP (250)", "horses (160)", "43 of VOC 2007", "30 cows of MSRC"):
        assert count in row("photographs")
    assert "14 sequences of DAVIS 2016 train" in row("video")


def test_every_idea_of_the_issue_is_said_to_be_measured():
    used, rest = CARD.replace("\n  ", " ").split("- Used, but changed together with others")[1].split("\n- ", 1)
    for idea in ("larger crops", "longer gaps", "three objects", "soft Jaccard", "moving average", "spoiled masks"):
        assert idea in used
    alone = rest.split("## One thing at a time")[1].split("\n## ")[0]
    for idea in ("dice", "wider value path", "keys distilled", "larger crops", "generated clips alone"):
        assert f"| {idea} |" in alone
