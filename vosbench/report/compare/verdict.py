"""The checks of a gate for people and for CI systems: a table, and JUnit's XML."""

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from vosbench.base.words import count
from vosbench.report.compare.gate import Check
from vosbench.report.table import HEADLINE, NAME, Column, Table

CHECKS = (
    Column("strategy"),
    Column("quantity", leaves=NAME),
    Column("result", leaves=HEADLINE),
    Column("detail", wraps=True),
)
_SUITE = "vosbench compare"


def failures(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks that failed."""
    return tuple(check for check in checks if check.passed is False)


def checks_table(checks: Sequence[Check], lacks: Sequence[str] = ()) -> Table:
    """A row per check, and a sentence that counts them and says what the runs lack."""
    rows = [{column.key: getattr(check, column.key) for column in CHECKS} for check in checks]
    undecided = sum(check.passed is None for check in checks)
    open_ones = f", {undecided} undecided" if undecided else ""
    partial = f" PARTIAL ({'; '.join(lacks)})." if lacks else ""
    return Table(CHECKS, rows, f"{len(failures(checks))} of {count(len(checks), 'check')} failed{open_ones}.{partial}")


def junit(checks: Sequence[Check]) -> str:
    """JUnit's XML: a test case per check, of the class that is its strategy; undecided ones are skipped."""
    failed, skipped = len(failures(checks)), sum(check.passed is None for check in checks)
    suite = Xml.Element(
        "testsuite", name=_SUITE, tests=str(len(checks)), failures=str(failed), errors="0", skipped=str(skipped)
    )
    for check in checks:
        case = Xml.SubElement(suite, "testcase", classname=check.strategy, name=check.quantity)
        if check.passed is False:
            Xml.SubElement(case, "failure", message=check.detail)
        elif check.passed is None:
            Xml.SubElement(case, "skipped", message=check.detail)
        else:
            Xml.SubElement(case, "system-out").text = check.detail
    return _document(suite)


def junit_error(message: str) -> str:
    """JUnit's XML for a comparison that could not be made."""
    suite = Xml.Element("testsuite", name=_SUITE, tests="1", failures="0", errors="1", skipped="0")
    case = Xml.SubElement(suite, "testcase", classname=_SUITE, name="comparable")
    Xml.SubElement(case, "error", message=message)
    return _document(suite)


def _document(suite: Xml.Element) -> str:
    Xml.indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(suite, encoding="unicode")}\n'
