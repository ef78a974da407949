"""The command line: a file for each verb, and the only place that catches errors and prints.

Exit status: 0 fine, 1 a regression found, 2 something the user can put right (one line and a hint, no traceback),
128 + N if signal N ended it: 130 Ctrl-C (SIGINT), 143 SIGTERM, 129 SIGHUP.
"""

import io
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from vosbench.base.signals import as_interrupts
from vosbench.base.text import printable
from vosbench.errors import SpoiltScoreWarning, VosbenchError

INTERRUPTED = 130  # the status into which typer turns KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. `arguments` default to those of the process; none show the help.

    SIGTERM and SIGHUP end it as Ctrl-C does: one line, a hint that says what is kept, and no process is left.
    """
    for stream in (sys.stdout, sys.stderr):  # a name that a console cannot show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    came: list[int] = []
    try:
        with as_interrupts(to_the_last=arguments is None) as came:
            status = _run(given)
    except KeyboardInterrupt:  # also where the command is done, and what it held is let go
        status = INTERRUPTED
    if status == INTERRUPTED:
        number = came[0] if came else signal.SIGINT
        how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
        return _fail(how, f"start the same command again: {_again(given)}", 128 + number)
    return status


def _again(arguments: list[str]) -> str:
    """What a second start of an interrupted command finds; one that was still loading has nothing to find."""
    try:
        from vosbench.cli.verbs import VERBS, Verb

        return VERBS.find(name).again if (name := _verb(arguments)) in VERBS.names() else Verb.again
    except KeyboardInterrupt:
        return "it begins anew"


def _run(arguments: list[str]) -> int:
    from typer import TyperException  # here, as all that takes long: Ctrl-C is to be one line meanwhile as well

    try:
        _refuse_empty(arguments)
        from vosbench.cli.app import app

        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status = app(args=arguments, prog_name="vosbench", standalone_mode=False)
        sys.stdout.flush()  # a reader that went away shows itself here, not when Python exits
        return status if isinstance(status, int) else 0
    except VosbenchError as error:
        return _fail(error.message, error.hint)
    except TyperException as error:
        return _fail(error.format_message().replace("Value error, ", ""), _usage(arguments))  # as pydantic begins
    except (Exception, SystemExit) as error:
        # The reader of our output has seen enough; typer exits where it prints.
        if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that what is left can be flushed
            return 0
        from vosbench.base.own_files import own_modules, place_in_own_file

        what = f"{type(error).__name__}: {error}"
        if (place := place_in_own_file(error)) is not None:
            return _fail(f"{place}: {what}", "repair the file")
        if not (files := _suspects(error, own_modules())):
            raise  # a fault of ours: the traceback is what helps
        where = traceback.extract_tb(error.__traceback__)[-1]
        leads = f"leads to {what} ({where.filename}:{where.lineno})"
        return _fail(f"what {' or '.join(files.values())} gives {leads}", _try(files, arguments))


def _suspects(error: BaseException, own: dict[str, str]) -> dict[str, str]:
    """Those of the files of one's own, {module: file}, that may lead to an error: where we draw, no strategy does;
    where we score, a protocol, if there is one; one whose class is called wrongly, as in `Visible.objects() takes 1
    positional argument`, is alone.
    """
    name = str(error).partition(".")[0]
    if named := {module: file for module, file in own.items() if name in vars(sys.modules[module])}:
        return named
    package = Path(__file__).parents[1]
    called = [Path(call.filename) for call in traceback.extract_tb(error.__traceback__)]
    ours = [path.relative_to(package).parts[:2] for path in called if path.is_relative_to(package)]
    if ours and ours[-1] in {("report", "drawing"), ("report", "plots")}:
        return {name: file for name, file in own.items() if name.split("_")[1] in ("tables", "figures")}
    protocols = {name: file for name, file in own.items() if name.split("_")[1] == "protocols"}
    return protocols if protocols and ours and ours[-1][0] == "metrics" else own


def _try(own: dict[str, str], arguments: Sequence[str]) -> str:
    """What to do about files of one's own, {module: file}, that give what cannot be used, after those arguments."""
    ways = {"policies": "check policy {}", "models": "check model {}", "datasets": "check --dataset {} --root FOLDER"}
    kinds = {} if "check" in arguments else {name.split("_")[1]: file for name, file in own.items()}
    tried = [f"`vosbench {ways[kind].format(file)}`" for kind, file in kinds.items() if kind in ways]
    return " and ".join(tried) + " says more" if tried else "compare it with the example in the README of its kind"


def _usage(arguments: Sequence[str]) -> str:
    """What to do about options that are not as they must be."""
    from vosbench.cli.verbs import VERBS

    verb = _verb(arguments)
    if verb not in VERBS.names():
        return "vosbench --help lists what there is"
    return f"e.g. {VERBS.find(verb).example}; vosbench {verb} --help lists its options"


def _verb(arguments: Sequence[str]) -> str:
    return next((text for text in arguments if not text.startswith("-")), "")


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Raise VosbenchError for an argument that is empty, which as a path would be the working folder."""
    for place, text in enumerate(arguments):
        if not text or (text.startswith("--") and text.endswith("=")):
            before = arguments[place - 1] if place else ""
            name = text[:-1] or (before if before.startswith("-") else "an argument")
            raise VosbenchError(f"{name} is empty", "is a variable of the shell not set? give a value, or leave it out")


def _fail(message: str, hint: str, status: int = 2) -> int:
    print(f"vosbench: error: {printable(' '.join(message.split()))}", file=sys.stderr)
    if hint:
        print(f"hint: {printable(' '.join(hint.split()))}", file=sys.stderr)
    return status


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    kind = "problem" if isinstance(message, SpoiltScoreWarning) else "warning"
    print(f"vosbench: {kind}: {message}", file=sys.stderr)
