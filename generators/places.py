"""Where engines run, by the word a user gives: "vllm" in this process, "echo", or the URL of a server.

An engine is opened when the first call is not in the cache, and once in a process: threads share it.
"""

import atexit
import os
from collections import OrderedDict
from threading import Lock

from generators.echo import Echo
from generators.engine import Engine, Place
from generators.weights import Model
from manifests import canonical
from manifests.errors import BadRecipe


def place(engine: str | Place) -> Place:
    """Return the place behind a word. "openai" is the server of OPENAI_BASE_URL. Raises BadRecipe."""
    if not isinstance(engine, str):
        return engine
    if engine == "echo":
        return Echo()
    if engine == "vllm":
        from generators.vllm_engine import Vllm  # noqa: PLC0415 - vllm takes ten seconds to import

        return Vllm()
    if url := server_url(engine):
        from generators.openai_engine import Server  # noqa: PLC0415 - its HTTP client is needed for servers only

        return Server(url)
    raise BadRecipe(f"engine {engine!r}: expected 'vllm', 'echo', 'openai' or the URL of a server, http://.../v1")


def server_url(engine: str | Place) -> str | None:
    """Return the URL of the server that an engine's word stands for, or None for the engines of this process."""
    if engine == "openai":
        engine = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    url = engine if isinstance(engine, str) else getattr(engine, "url", "")
    return url.rstrip("/") if url.startswith(("http://", "https://")) else None


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
