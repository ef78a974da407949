"""The ablation: each training changes one thing, and the card's table is that of what was measured."""

import importlib.util
import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from vosbench.models.checkpoint import WEIGHTS, read_checkpoint
from vosbench.models.stcn.network import STCN
from vosbench.training.config import INCIDENTAL

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/benchmarks/ablation"
CHANGES = tomllib.loads((FOLDER / "changes.toml").read_text(encoding="utf-8"))
FOUND = json.loads((ROOT / "results/ablation/ablation.json").read_text(encoding="utf-8"))
CARD = (WEIGHTS / "stcn-tiny.md").read_text(encoding="utf-8")
COLUMNS = [f"{data}, {policy}" for data in ("davis2016", "synthetic") for policy in ("every-k:k=5", "first-and-latest")]


@pytest.fixture(scope="module")
def ablation():
    spec = importlib.util.spec_from_file_location("ablation", FOLDER / "ablation.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_changes_one_thing(ablation):
    """What it sets and nothing else; `all that the last part has` is several."""
    base = asdict(ablation.configured({}))
    for name, change in CHANGES.items():
        config = asdict(ablation.configured(change))
        changed = {key for key, value in config.items() if value != base[key]}
        apart = {"cutouts": "data", "generated": "data"}
        assert changed == {apart.get(key, key) for key in change} - {"widened", "distilled"}, name
        assert not changed & INCIDENTAL
        assert len(change) == 1 or name in ("base", "longer gaps", "all that the last part has"), name


def test_the_wider_value_path_begins_as_the_same_function(ablation):
    wide, narrow = STCN(ablation.WIDE), STCN(ablation.STCN_TINY)
    wide.load_state_dict(torch.load(ablation.widened("stcn-tiny"), weights_only=True))
    narrow.load_state_dict({name: value.float() for name, value in read_checkpoint("stcn-tiny").state.items()})
    frame, masks = torch.randn(1, 3, 64, 64), torch.rand(1, 2, 64, 64)
    values = []
    for network in (wide.eval(), narrow.eval()):
        with torch.no_grad():
            of_frame = network.value_encoder.of_frame(network.encode_key(frame).f16)
            values.append(network.object_values(frame, of_frame, masks))
    torch.testing.assert_close(*values, rtol=1e-4, atol=1e-4)
    assert sum(value.numel() for value in wide.parameters()) > 1.2 * sum(v.numel() for v in narrow.parameters())


def test_the_table_of_the_card_is_that_of_the_results():
    assert {name: found["change"] for name, found in FOUND.items() if name != "start"} == CHANGES
    section = CARD.split("## One thing at a time")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    assert {name: cells for name, *cells in rows[2:]} == {
        name: [f"{found['j_and_f'][column]['mean']:.1f}" for column in COLUMNS] for name, found in FOUND.items()
    }
