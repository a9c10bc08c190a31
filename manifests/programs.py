"""`koba run`: the datasets that can be made, one for each program, that is each file which defines `recipe()`."""

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

import click

from manifests.options import Group


class Programs(Group):
    """Programs as commands, each imported when it is asked for."""

    def __init__(self, root: Path, packages: Sequence[str]) -> None:
        """Look for programs in some packages below a folder."""
        super().__init__("run", help="Make a dataset: `koba run NAME --help` shows its options.")
        self.root, self.packages = root, packages

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(self._modules())

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        module = self._modules().get(name)
        made: click.Command | None = importlib.import_module(module).main if module else None
        return made

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self._first_line(module)) for name, module in sorted(self._modules().items())]
        with formatter.section("Datasets"):
            formatter.write_dl(rows)

    def _modules(self) -> dict[str, str]:
        files = [path for package in self.packages for path in sorted((self.root / package).glob("*.py"))]
        return {
            path.stem: f"{path.parent.name}.{path.stem}"
            for path in files
            if re.search(r"^def recipe\(", path.read_text(encoding="utf-8"), re.MULTILINE)
        }

    def _first_line(self, module: str) -> str:
        text = (self.root / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        found = re.search(r'^(?:r?""")(.+)$', text, re.MULTILINE)
        return found[1].rstrip('"') if found else ""
