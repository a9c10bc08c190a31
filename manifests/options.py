"""What all commands share: the store, JSON on demand, options from a signature, errors as one line."""

import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import click

from manifests.errors import BadRecipe, KobaError

DEFAULT_STORE = "koba-store"
# Read once, when torch is loaded: beside other programs, threads that spin while they wait cost a factor of ten.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
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


def signature_options(function: Callable[..., Any]) -> list[click.Parameter]:
    """Return an option for each parameter of a function; `Annotated` holds its help."""
    hints = get_type_hints(function, include_extras=True)
    options: list[click.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        hint, words = hints[parameter.name], ""
        if get_origin(hint) is Annotated:
            hint, words = get_args(hint)[:2]
        if get_origin(hint) in {Union, UnionType}:
            hint = next(arm for arm in get_args(hint) if arm is not type(None))
        flag = f"--{parameter.name.replace('_', '-')}"
        default = parameter.default
        if hint is bool:
            options.append(click.Option([f"{flag}/--no-{flag[2:]}"], default=default, show_default=True, help=words))
        elif get_origin(hint) is tuple:
            shown, kind = ",".join(default), click.types.FuncParamType(_words)
            metavar = "A,B,..."
            options.append(
                click.Option([flag], type=kind, default=shown, show_default=bool(default), help=words, metavar=metavar)
            )
        else:
            chosen = click.Choice(get_args(hint)) if get_origin(hint) is Literal else hint
            options.append(click.Option([flag], type=chosen, default=default, show_default=True, help=words))
    return options


class Command(click.Command):
    """A command whose errors are one line on stderr and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        return _guarded(super().main, *args, **kwargs)


class Group(click.Group):
    """Commands whose errors are one line on stderr and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        return _guarded(super().main, *args, **kwargs)


def weighted(datasets: Sequence[str]) -> dict[str, float | None]:
    """Return datasets and their weights as the user typed them, None for none. Raises BadRecipe."""
    pairs = [name.partition("=")[::2] for name in datasets]
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadRecipe(f"{' '.join(datasets)}: a dataset is named twice; name it once, with a weight")
    if any(weight for _, weight in pairs) and not all(weight for _, weight in pairs):
        raise BadRecipe(f"{' '.join(datasets)}: give each dataset a weight (web=3 code=1), or none of them")
    try:
        return {name: float(weight) if weight else None for name, weight in pairs}
    except ValueError as error:
        raise BadRecipe(f"{' '.join(datasets)}: expected numbers as weights, as in web=3 code=0.5") from error


def echo_json(value: Any) -> None:
    """Print a value as one JSON document."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _guarded(main: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    os.environ.update({name: os.environ.get(name, value) for name, value in PATIENT.items()})
    try:
        return main(*args, **kwargs)
    except KobaError as error:
        if kwargs.get("standalone_mode", True) is False:
            raise
        click.echo(f"koba: {error}", err=True)
        sys.exit(EXIT_ERROR)


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())
