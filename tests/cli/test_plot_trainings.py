"""`vosbench plot` of the folders of trainings."""

HEAD = "step,loss,iou,seconds_per_step,j_and_f\n"


def test_the_curves_of_trainings(tmp_path, vosbench, refused, read_json):
    folders = [tmp_path / name for name in ("first", "second", "other/first")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "curve.csv").write_text(HEAD + "1,0.9,0.3,0.5,\n2,0.5,0.6,0.5,41.5\n")
    out = ("--out", tmp_path / "figures", "--format", "svg")
    outcome = vosbench("plot", *folders[:2], *out, "--json", tmp_path / "a.json")
    assert outcome.status == 0
    figure = tmp_path / "figures/curves.svg"
    assert outcome.out == f"{figure}\n"
    assert read_json(tmp_path / "a.json")["figures"] == [str(figure)]
    assert "second" in figure.read_text()
    assert f"{figure} exists already" in refused("plot", *folders, *out)
    assert vosbench("plot", *folders, *out, "--overwrite").status == 0
    assert f"{folders[2]}<"[-34:] in figure.read_text()  # two of one name are told apart, by how their paths end
    assert "no strategies" in refused("plot", folders[0], "--policies", "lfu")
    (folders[0] / "curve.csv").write_text("nonsense")
    assert "is not the log of a training" in refused("plot", folders[0], *out, "--overwrite")
