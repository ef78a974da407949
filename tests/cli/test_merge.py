"""vosbench merge, and --shard of vosbench run."""

import shutil

import pytest

pytestmark = pytest.mark.usefixtures("scored_in_a_thread")


def test_shards_are_put_together_and_their_table_printed(small_davis, tmp_path, vosbench):
    shards = [tmp_path / f"shard-{number}" for number in (1, 2)]
    for number, shard in enumerate(shards, 1):
        asked = ["--dataset", "davis2017", "--root", small_davis, "-p", "first-only", "--threads", "1"]
        assert vosbench("run", *asked, "--shard", f"{number}/2", "--out", shard).status == 0
    outcome = vosbench("merge", *shards, "--out", tmp_path / "whole")
    assert outcome.status == 0
    assert "first-only" in outcome.out
    assert outcome.out.endswith("whole holds 6 records of 2 runs\n")
    again = vosbench("merge", *shards, "--out", tmp_path / "whole")
    assert (again.status, again.err.count("\n")) == (2, 2)
    assert "exists already" in again.err
    shutil.rmtree(shards[0] / "masks")
    outcome = vosbench("merge", *shards, "--out", tmp_path / "bare")
    assert outcome.status == 0
    assert f"warning: {shards[0]} holds no masks" in outcome.err
