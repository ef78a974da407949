"""The command line of a script of this folder: `-h` tells what it does; what does not fit is one line, with exit 2."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from vosbench.errors import VosbenchError
from vosbench.memory.spec import load_policy


def parsed(told: str | None, strategies: bool = False) -> list[str]:
    """The specs that are given, if it takes `strategies`, and nothing else; `told` is the docstring of the file."""
    parser = ArgumentParser(description=told, formatter_class=RawDescriptionHelpFormatter)
    if strategies:
        parser.add_argument("strategy", nargs="*", help="default: all")
    specs: list[str] = getattr(parser.parse_args(), "strategy", [])
    try:
        for spec in specs:
            load_policy(spec)
    except VosbenchError as error:
        parser.error(error.message)
    return specs
