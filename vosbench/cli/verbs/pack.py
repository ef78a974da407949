"""pack: pictures and masks for a training elsewhere, in one small file."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from vosbench.cli.options import Overwrite, output, require_new
from vosbench.cli.progress import CountProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError


def pack(
    folders: Annotated[
        list[Path], Argument(help="with images/ and masks/, or JPEGImages/ and Annotations/; each keeps its name")
    ],
    out: Annotated[Path, output(help="the file, .tar.xz; on the other machine: tar xf FILE")],
    shorter_side: Annotated[
        int, Option(help="pictures are reduced to so many pixels on their shorter side", min=16)
    ] = 320,
    quality: Annotated[int, Option(help="of the pictures, as WebP has it", min=1, max=100)] = 70,
    overwrite: Overwrite = False,
) -> Answer:
    """Pack every picture that has a mask, and the masks, into one file that is soon copied.

    What is unpacked is read by `vosbench train` as any folder is. The same folders give the same file.
    """
    from vosbench.training.packing import pack as carry_out  # here: OpenCV takes a moment

    if not out.name.endswith(".tar.xz"):
        raise VosbenchError(f"cannot pack into {out}", "name a .tar.xz file")
    require_new(out, overwrite)
    with CountProgress("picture") as progress:
        size = carry_out(folders, out, shorter_side, quality, progress)
    print(f"{out}: {size / 1e6:.1f} MB")
    return Answer({"folders": [str(folder) for folder in folders]}, {"file": str(out), "bytes": size})


VERB = Verb(pack, "vosbench pack static/ecssd video/davis2016-320 --out data.tar.xz")
