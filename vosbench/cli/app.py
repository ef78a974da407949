"""All verbs together."""

import typer

from vosbench.cli import comparing, data, masks, results, simulation, work

app = typer.Typer(
    help="Compare the memory strategies of video object segmentation: accuracy, speed and memory, under one model.",
    epilog="Start with: vosbench run   (generated clips, bundled weights, no download)",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (work, simulation, masks, data, results, comparing):
    for name, (verb, example) in module.VERBS.items():
        app.command(name, epilog=f"Example: {example}")(verb)
