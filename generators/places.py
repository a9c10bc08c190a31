"""Where engines run, by the word a user gives: "vllm" in this process, "echo", or the URLs of servers.

What follows a question mark are settings of the place: "vllm?tensor_parallel=2", "http://a/v1,http://b/v1?capacity=200".
They bear on speed alone. An engine is opened when the first call is not in the cache, and once in a process: threads
share it.
"""

import atexit
import os
from collections import OrderedDict
from dataclasses import replace
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from generators.echo import Echo
from generators.engine import Engine, Place
from generators.weights import Model
from manifests import canonical
from manifests.errors import BadRecipe

_Place = TypeVar("_Place", bound=Any)


def place(engine: str | Place) -> Place:
    """Return the place behind a word. "openai" is the server of OPENAI_BASE_URL. Raises BadRecipe."""
    if not isinstance(engine, str):
        return engine
    word, _, settings = engine.partition("?")
    if word == "echo":
        return _with(Echo(), settings, engine)
    if word == "vllm":
        from generators.vllm_engine import Vllm  # noqa: PLC0415 - its module is needed for local models only

        return _with(Vllm(), settings, engine)
    if url := server_url(word):
        from generators.openai_engine import Server  # noqa: PLC0415 - its HTTP client is needed for servers only

        replicas = tuple([_url(one) for one in word.split(",")[1:]])
        return _with(Server(url, replicas=replicas), settings, engine)
    raise BadRecipe(f"engine {engine!r}: expected 'vllm', 'echo', 'openai' or the URL of a server, http://.../v1")


def server_url(engine: str | Place) -> str | None:
    """Return the URL of the server that an engine's word stands for, or None for the engines of this process.

    Of several servers the first one counts, which names the model: the others hold the same.
    """
    word = engine.partition("?")[0] if isinstance(engine, str) else str(getattr(engine, "url", ""))
    if word == "openai":
        word = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    return _url(word.partition(",")[0]) if word.startswith(("http://", "https://")) else None


def gpus_of(where: Place) -> int:
    """Return how many GPUs an engine takes at a place."""
    return int(getattr(where, "gpus", 0))


def _url(given: str) -> str:
    return given.strip().rstrip("/")


def _with(where: _Place, settings: str, engine: str) -> _Place:
    """Return a place with settings such as "capacity=200&tensor_parallel=2". Raises BadRecipe."""
    fields = canonical.field_values(where)
    kinds = {name: float if value is None else type(value) for name, value in fields.items() if name != "url"}
    kinds = {name: kind for name, kind in kinds.items() if kind in {int, float, str}}
    given = {}
    for name, value in parse_qsl(settings, keep_blank_values=True):
        try:
            given[name] = kinds[name](value)
        except (KeyError, ValueError) as error:
            raise BadRecipe(f"engine {engine!r}: {name}={value}; expected one of {', '.join(sorted(kinds))}") from error
    return replace(where, **given)


def opened(where: Place, model: Model) -> Engine:
    """Return the engine of a model at a place: one for all threads of this process.

    A place that cannot run a model is not tried again: each of many units would wait for the same failure.
    """
    name = (where, canonical.digest(model))
    with _OPENING:
        if name in _REFUSED:
            raise BadRecipe(_REFUSED[name])
        if name not in _OPEN:
            try:
                _OPEN[name] = where.open(model)
            except BadRecipe as error:
                _REFUSED[name] = str(error)
                raise
        return _OPEN[name]


def close_all() -> None:
    """Close every engine of this process, and forget what could not be opened."""
    with _OPENING:
        _REFUSED.clear()
        while _OPEN:
            _OPEN.popitem()[1].close()


_OPEN: OrderedDict[tuple[Place, str], Engine] = OrderedDict()
_REFUSED: dict[tuple[Place, str], str] = {}
_OPENING = Lock()
atexit.register(close_all)
