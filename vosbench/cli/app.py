"""The program `vosbench`: finds the verb that is asked for, and no other, and writes what it answers as JSON."""

import inspect
import json as json_text
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer
from typer.core import TyperGroup

from vosbench.base.signals import by_code
from vosbench.cli.options import STDOUT, output, write_text
from vosbench.cli.verbs import VERBS, Answer, Verb
from vosbench.errors import VosbenchError

SCHEMA = 1  # of the JSON: raised when a program that reads it must change
Json = Annotated[Path | None, output("--json", help="write the result as JSON to this file; -: to standard output")]
HELP = {"help_option_names": ["-h", "--help"]}
EPILOG = """Start with: vosbench run   (generated clips, bundled weights, no download)

Exit status: 0 if all went well; 1 if `compare` found a regression; 2 if something is wrong: one line says what, and a
hint what to do; 128 + N if signal N ended it, such as 130 after Ctrl-C; a hint says what is kept.
"""


class Verbs(TyperGroup):
    """The verbs of the registry; the one that is asked for is imported, the others are not."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VERBS.names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        with redirect_stdout(sys.stderr):  # standard output is for what the verb answers
            verb = VERBS.find(cmd_name)
        one = _typer()
        one.command(cmd_name, context_settings=HELP, epilog=f"Example: {verb.example}")(_command(cmd_name, verb))
        return typer.main.get_command(one)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and rest and (example := VERBS.find(args[0]).examples.get(rest[0])):
            command.epilog = f"Example: {example}"
        return name, command, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS.about(name)) for name in VERBS.names()])


class Patient:
    """A stream whose reader may go away: then the rest is lost, and the verb goes on to write its files."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        with suppress(BrokenPipeError):
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(BrokenPipeError):
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _typer(**settings: Any) -> typer.Typer:
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **settings)


def _command(name: str, verb: Verb) -> Callable[..., int]:
    """The verb with the option `--json` added to its own, as a function that returns the exit status."""

    def call(json: Path | None = None, **options: Any) -> int:
        shown = Patient(sys.stderr if json == STDOUT else sys.stdout)
        with redirect_stdout(cast(TextIO, shown)), _log():
            try:
                answer = verb.run(**options)
            except KeyboardInterrupt as error:
                from vosbench.base.own_files import one_line, place_in_own_file

                if not by_code(error) or (place := place_in_own_file(error)) is None:
                    raise
                raise VosbenchError(f"{place}: {one_line(error)}", "repair the file") from error
        if not isinstance(answer, Answer):
            raise VosbenchError(f"the verb {name} returns {type(answer).__name__}, not an Answer", "repair its file")
        if answer.status not in {0, 1, 2}:
            raise VosbenchError(f"the verb {name} gives the status {answer.status!r}", "it may be 0, 1 or 2")
        if json is not None:
            write_json(json, name, answer)
        return answer.status

    signature = inspect.signature(verb.run, eval_str=True)
    own = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Json)
    parameters = {**signature.parameters, "json": own}
    call.__signature__ = signature.replace(parameters=list(parameters.values()))  # type: ignore[attr-defined]
    call.__annotations__ = {key: parameter.annotation for key, parameter in parameters.items()}
    call.__doc__ = verb.run.__doc__
    return call


@contextmanager
def _log() -> Iterator[None]:
    """What vosbench logs of long work is a line each on standard error."""
    import logging  # here: no help needs it

    log, lines = logging.getLogger("vosbench"), logging.StreamHandler()
    lines.setFormatter(logging.Formatter("vosbench: %(message)s"))
    log.addHandler(lines)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(lines)
        log.setLevel(logging.NOTSET)


def write_json(path: Path, verb: str, answer: Answer) -> None:
    """Write what a verb answered to a file, or to standard output for `-`: an object with `schema`, a number, `verb`,
    `conditions` and `result`, in which numbers that are not finite are null.
    """
    from vosbench.base.codec import encode  # here: numpy takes a tenth of a second

    result = encode({**answer.result, **answer.further()})
    value = {"schema": SCHEMA, "verb": verb, "conditions": encode(answer.conditions), "result": result}
    text = json_text.dumps(value, indent=2, allow_nan=False) + "\n"
    if path == STDOUT:
        print(text, end="")
    else:
        write_text(path, text)


app = _typer(
    cls=Verbs,
    help="Compare the memory strategies of video object segmentation: accuracy, speed and memory, under one model.",
    epilog=EPILOG,
    context_settings=HELP,
    subcommand_metavar="VERB [OPTIONS]",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"vosbench {version('vosbench')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """What can be said before the verb."""
