"""The command line: one module per group of verbs, and the only place that catches errors and prints.

Exit status: 0 fine, 1 a regression found, 2 something the user can put right (one line and a hint, no traceback).
"""

import os
import sys
import warnings
from collections.abc import Sequence

import typer

from vosbench.errors import VosbenchError

INTERRUPTED = 130  # the status into which typer turns Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. `arguments` default to those of the process; none show the help."""
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        from vosbench.cli.app import app  # here: it takes a second, in which Ctrl-C is to be one line as well

        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status = app(args=arguments, prog_name="vosbench", standalone_mode=False)
        sys.stdout.flush()  # a reader that went away shows itself here, not when Python exits
    except VosbenchError as error:
        return _fail(error.message, error.hint)
    except typer.TyperException as error:
        return _fail(error.format_message(), "vosbench --help, or vosbench VERB --help, lists what there is")
    except KeyboardInterrupt:
        status = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the reader of our output has seen enough; typer exits where it prints
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that what is left can be flushed
        return 0
    if status == INTERRUPTED:
        return _fail("interrupted", "start the same command again: what is finished is kept", INTERRUPTED)
    return status if isinstance(status, int) else 0


def _fail(message: str, hint: str, status: int = 2) -> int:
    print(f"vosbench: error: {' '.join(message.split())}", file=sys.stderr)
    if hint:
        print(f"hint: {' '.join(hint.split())}", file=sys.stderr)
    return status


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"vosbench: warning: {message}", file=sys.stderr)
