"""Writes the files of a report: pages from templates, scripts that hold data, figures, and what all pages share."""

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vosbench.base.codec import encode
from vosbench.base.text import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PACKAGE = "vosbench.report.pages"
ASSETS = "assets"
MARK = f"{ASSETS}/report.css"  # by which the folder of a report is known
OWN = (ASSETS, "data.js", "figures", "index.html", "run-[0-9]*", "sequences")  # what is in it; the rest is the user's


class Writer:
    """Writes into the folder `out`; paths are relative to it, with slashes. Raises OSError where that fails."""

    def __init__(self, out: Path) -> None:
        self.out = out
        loader = PackageLoader(PACKAGE)
        self._templates = Environment(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
        )

    def file(self, path: str, data: bytes) -> None:
        """Write a file."""
        (self.out / path).parent.mkdir(parents=True, exist_ok=True)
        (self.out / path).write_bytes(data)

    def page(self, path: str, template: str, **values: Any) -> None:
        """Write a page. Whatever `values` hold is shown as text; `top` is the way from the page to the first folder."""
        html = self._templates.get_template(f"{template}.html").render(top="../" * path.count("/"), **values)
        self.file(path, html.encode())

    def data(self, path: str, data: Mapping[str, Any]) -> None:
        """Write a script that hands data to those of the page; a number that is not finite becomes null."""
        text = json.dumps(_shown(encode(data)), separators=(",", ":"), allow_nan=False)  # ASCII alone
        self.file(path, f'"use strict";\nconst DATA = {text};\n'.encode())

    def figures(self, folder: str, figures: "Mapping[str, Figure]") -> dict[str, str]:
        """Write figures as SVG below `folder`, that of their page; name -> path from there."""
        from vosbench.report.drawing.style import save  # matplotlib takes a second to load

        paths = {name: f"figures/{figure.get_label() or name}.svg" for name, figure in figures.items()}
        for name, path in paths.items():
            save(figures[name], self.out / folder / path)
        return paths

    def assets(self) -> None:
        """Write the scripts and styles that all pages share."""
        for file in resources.files(PACKAGE).joinpath(ASSETS).iterdir():
            self.file(f"{ASSETS}/{file.name}", file.read_bytes())


def _shown(value: Any) -> Any:
    """The same with printable names, of which pages and their scripts know each other's; markup stays as it is."""
    if isinstance(value, dict):
        return {_shown(key): _shown(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
