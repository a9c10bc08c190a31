"""What all commands share: the store, JSON on demand, errors as one line."""

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from manifests.errors import KobaError

DEFAULT_STORE = "koba-store"
EXIT_ERROR = 2
_Function = TypeVar("_Function", bound=Callable[..., Any])


def store_option(function: _Function) -> _Function:
    """Add `--store` to a command."""
    return click.option(
        "--store",
        "store_url",
        envvar="KOBA_STORE",
        default=DEFAULT_STORE,
        show_default=True,
        metavar="URL",
        help="Folder or fsspec URL of the store [env: KOBA_STORE].",
    )(function)


def json_option(function: _Function) -> _Function:
    """Add `--json` to a command."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


class Command(click.Command):
    """A command whose errors are one line on stderr and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        return _guarded(super().main, *args, **kwargs)


class Group(click.Group):
    """Commands whose errors are one line on stderr and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        return _guarded(super().main, *args, **kwargs)


def echo_json(value: Any) -> None:
    """Print a value as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _guarded(main: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return main(*args, **kwargs)
    except KobaError as error:
        if kwargs.get("standalone_mode", True) is False:
            raise
        click.echo(f"koba: {error}", err=True)
        sys.exit(EXIT_ERROR)
