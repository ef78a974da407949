"""All verbs together."""

from typing import Annotated

import typer

from vosbench.cli import comparing, data, masks, results, simulation, work

HELP = {"help_option_names": ["-h", "--help"]}  # of the program and of every verb
app = typer.Typer(
    help="Compare the memory strategies of video object segmentation: accuracy, speed and memory, under one model.",
    epilog="Start with: vosbench run   (generated clips, bundled weights, no download)",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # here: what no verb needs

        print(f"vosbench {version('vosbench')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """What can be said before the verb."""


for module in (work, simulation, masks, data, results, comparing):
    for name, (verb, example) in module.VERBS.items():
        app.command(name, context_settings=HELP, epilog=f"Example: {example}")(verb)
