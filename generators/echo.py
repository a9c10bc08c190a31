"""An engine without a model, for tests and previews: its reply is a function of the request alone."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from generators.engine import Reply, Request
from generators.example_replies import example
from generators.weights import Model
from manifests import canonical
from manifests.errors import KobaError

SHOWN = 200  # characters of the prompt that a reply repeats


def repeat(request: Request) -> str:
    """Answer with a digest of the request and the end of its prompt; where a form is asked for, with one of that."""
    if request.sampling.form and (made := example(request.sampling.form, request.seed)):
        return made
    mark = canonical.digest_parts(request.prompt.encode(), b"%d" % request.seed).hex()
    return f"{mark[:12]} {request.prompt[-SHOWN:].strip()}"


@dataclass(frozen=True, slots=True)
class Echo:
    """Where the model "echo" is. `answer` may return a whole Reply, or raise Incomplete as an engine does."""

    answer: Callable[[Request], str | Reply] = repeat
    delay_s: float = 0.0
    capacity: int = 8

    def open(self, model: Model) -> "EchoEngine":
        """Return the engine; there is nothing to load."""
        return EchoEngine(self, model)


class EchoEngine:
    """Answers in threads, `capacity` at a time. A token is 4 characters."""

    def __init__(self, place: Echo, model: Model) -> None:
        self.place, self.model = place, model
        self._threads = ThreadPoolExecutor(place.capacity, thread_name_prefix="echo")

    @property
    def capacity(self) -> int:
        """How many requests it works on at once."""
        return self.place.capacity

    def submit(self, request: Request) -> Future[Reply]:
        """Take a request; without a delay it is answered on the spot."""
        if self.place.delay_s:
            return self._threads.submit(self._reply, request)
        future: Future[Reply] = Future()
        try:
            future.set_result(self._reply(request))
        except KobaError as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _reply(self, request: Request) -> Reply:
        time.sleep(self.place.delay_s)
        tokens_in = _tokens(request.prompt)
        if request.max_context is not None and tokens_in >= request.max_context:
            return Reply("", "too_long", tokens_in, 0)
        answer = self.place.answer(request)
        if isinstance(answer, Reply):
            return answer
        limit = request.sampling.max_tokens
        cut = _tokens(answer) > limit
        text = answer[: 4 * limit] if cut else answer
        return Reply(text, "length" if cut else "stop", tokens_in, _tokens(text), -0.5 * _tokens(text))


def _tokens(text: str) -> int:
    return -(-len(text) // 4)
