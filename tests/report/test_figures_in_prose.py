"""Figures in the prose and the tables of results/README.md, and the card's settings, follow from what is committed."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = " ".join((ROOT / "results/README.md").read_text(encoding="utf-8").split())
ROWS = (ROOT / "results/README.md").read_text(encoding="utf-8").splitlines()
BASE = {
    "`recent-n`, n one less": "recent-n:n={less}",
    "`random`, frames": "random:frames=true,capacity={n}",
    "`lfu:pin_first=true`": "lfu:pin_first=true,capacity={n}",
    "`gated`, over `lfu`": "gated:base=lfu(capacity={n})",
    "`oracle-masks`, over `lfu` (reference)": "oracle-masks:base=lfu(capacity={n})",
}
XMEM = {
    4: "xmem:min_frames=2,max_frames=3,prototypes=64,long_term=256",
    8: "xmem:min_frames=3,max_frames=6,prototypes=128,long_term=512",
}


def percent(folder: str) -> dict[str, float]:
    """J&F of each strategy in a folder of results."""
    with (ROOT / "results" / folder / "strategies.csv").open(encoding="utf-8") as file:
        return {row["strategy"]: 100 * float(row["jf"]) for row in csv.DictReader(file) if row["jf"]}


VAL, SIX, TEN = map(percent, ("catalogue-val", "catalogue-davis2016-six", "davis2016-ten"))


def cells(first: str) -> list[str]:
    """The cells of the row that begins so."""
    (row,) = (line for line in ROWS if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


CATALOGUE = [
    row.split("|")[1].strip() for row in ROWS if re.match(r"\| `", row) and row.count("|") == 8 and "." in row[-20:]
]


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_table_of_the_catalogue(name):
    expected = []
    for found in (VAL, SIX):
        for n in (2, 4, 8):
            pattern = BASE.get(name, name.split("`")[1] + ":capacity={n}")
            strategy = XMEM.get(n, "") if "xmem" in name else pattern.format(n=n, less=n - 1)
            more = "" if name == "`lfu`" else f" ({found.get(strategy, 0) - found[f'lfu:capacity={n}']:+.1f})"
            expected.append(f"{found[strategy]:.1f}{more}" if strategy else "")
    assert cells(name)[1:] == expected


def test_the_catalogue_is_whole():
    assert len(CATALOGUE) == 18


def test_what_strategies_lose_that_hold_the_latest_frame():
    held = ("first-and-latest", "recent-n", "novelty", "readmem", "every-k:k=5,last")
    lost = {name: SIX["every-k:k=5"] - jf for name, jf in SIX.items() if name.startswith(held)}
    assert len(lost) == 9
    least, most = min(lost, key=lost.__getitem__), max(lost, key=lost.__getitem__)
    assert least == "every-k:k=5,last=true"
    assert lost[most] == lost["first-and-latest"]
    said = f"lose {lost[least]:.1f} (every-5 with `last`) to {lost[most]:.1f} points (first-and-latest) to every-5"
    assert f"{said} on `six`" in README
    whole = [found["every-k:k=5"] - found["first-and-latest"] for found in (percent("davis2016-six"), TEN)]
    assert f"({whole[0]:.1f} points on the six, {whole[1]:.1f} on the ten)" in README
    masks = [found["oracle-masks:base=lfu(capacity=2)"] - found["lfu:capacity=2"] for found in (VAL, SIX)]
    assert f"worth {masks[0]:.1f} points on `val` and {masks[1]:.1f} on `six` over LFU with 2 frames" in README
    assert all(
        found[f"afb:capacity={n}"] < found[f"lfu:capacity={n}"] for found in (VAL, SIX) for n in (2, 4, 8)
    )  # "at each size on both"


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("every-5", "every-k:k=5"),
        ("LFU that pins the first frame", "lfu:capacity=2,pin_first=true"),
        ("object-lfu", "object-lfu:capacity=2"),
        ("first-and-latest", "first-and-latest"),
    ],
)
def test_the_ten(name, strategy):
    (row,) = (line for line in ROWS if line.startswith(f"| {name} |") and "(" in line)
    assert row.startswith(f"| {name} | {TEN[strategy]:.1f} | {TEN[strategy] - TEN['lfu:capacity=2']:+.1f} (")
