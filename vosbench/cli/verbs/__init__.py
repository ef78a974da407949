"""The verbs, one a file: what a verb is, what it answers, and how it is found.

The first line of a verb's file is what `vosbench --help` says of it. Another package adds a verb by an entry point in
the group `vosbench.verbs`, which names such a file: a module whose `VERB` is a `Verb`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vosbench.base.registry import Registry, modules
from vosbench.errors import VosbenchError

KEPT = "what is finished is kept"  # what `Verb.again` says of most that go on


@dataclass(frozen=True)
class Answer:
    """What a verb found: under which conditions, the result, and the exit status.

    Conditions and result are data, as `base.codec.encode` takes them; `--json` writes both, and with the result what
    `further` gives, which takes time to make.
    """

    conditions: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0
    further: Callable[[], Mapping[str, Any]] = dict


@dataclass(frozen=True)
class Verb:
    """A function that prints for people and returns an `Answer` for programs, and a command line that shows its use.

    Its parameters, annotated as typer has them, are the options; its docstring is the help. `--json` is not among
    them: every verb has it. `examples` are shown in the place of `example` after the first argument that each is of.
    `again` says what the same command does after a signal ended it.
    """

    run: Callable[..., Answer]
    example: str
    examples: Mapping[str, str] = field(default_factory=dict)
    again: str = "it begins anew"


def _accept(loaded: Any, origin: str) -> Verb:
    verb = getattr(loaded, "VERB", loaded)
    if not isinstance(verb, Verb):
        raise VosbenchError(f"{origin} is no verb", 'write VERB = Verb(function, "vosbench NAME …") into its module')
    return verb


VERBS = Registry("verb", "vosbench.verbs", lambda: modules(__name__), _accept)
