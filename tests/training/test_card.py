"""What the model card says of the settings of the bundled weights is what the configurations that ship have."""

from vosbench.models.checkpoint import WEIGHTS
from vosbench.training.config import TrainConfig

CARD = (WEIGHTS / "stcn-tiny.md").read_text(encoding="utf-8")
STAGES = [TrainConfig.read(f"stcn-tiny-stage{number}") for number in range(6)] + [TrainConfig.read("stcn-tiny")]


def row(name: str) -> str:
    (found,) = (line for line in CARD.splitlines() if line.startswith(f"| {name} |"))
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


def test_every_idea_of_the_issue_is_said_to_be_measured_or_not():
    for idea in ("larger crops", "longer gaps", "three objects", "soft Jaccard", "moving average", "spoiled masks"):
        assert idea in CARD.split("- Used, but changed together with others")[1].split("\n- ")[0].replace("\n  ", " ")
    for idea in ("wider value path", "distilled", "dice", "torch.compile"):
        assert idea in CARD.split("- Not tried for want of time")[1].split("\n\n")[0]
