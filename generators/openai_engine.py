"""Any server with the HTTP interface of OpenAI: vLLM, SGLang, llama.cpp, or a hosted model.

A model whose chat template is known here gets the rendered prompt at /completions, so that its calls are the same as
those of an engine in this process; for others the server renders the messages itself, at /chat/completions.
"""

import json
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args

import httpx2
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from generators.chat_template import tidy
from generators.engine import FinishReason, Reply, Request
from generators.weights import Model
from manifests.errors import BadRecipe, Incomplete

BUSY = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}  # statuses after which a request may succeed
LONGEST_WAIT_S = 60.0
MOST_BYTES = 2**24  # of one answer, with a log-probability for each token
TOO_LONG = ("context length", "context_length", "max_model_len", "too long", "exceeds the maximum", "context size")


class _TryAgain(Exception):
    """What went wrong with one attempt, and how long the server asks us to wait."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its URL, with what it can take. The key to it is in OPENAI_API_KEY."""

    url: str  # up to and including /v1
    capacity: int = 64  # requests at once
    timeout_s: float = 600.0  # for one reply as a whole: a server that hangs is asked again
    attempts: int = 6
    wait_s: float = 1.0  # before the second attempt; doubles, with jitter

    def open(self, model: Model) -> "ServerEngine":
        """Return the engine; the server is first asked when a request is."""
        return ServerEngine(self, model)


_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class _Choice(msgspec.Struct):
    finish_reason: str | None
    text: str | None = None
    message: dict[str, Any] | None = None
    logprobs: dict[str, Any] | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: _Count
    completion_tokens: _Count = 0


class _Answer(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage


class ServerEngine:
    """Requests to a server, a bounded number at once, each repeated with back-off until it is answered."""

    def __init__(self, server: Server, model: Model) -> None:
        self.server, self.model = server, model
        self._threads = ThreadPoolExecutor(server.capacity, thread_name_prefix="request")
        key = os.environ.get("OPENAI_API_KEY", "")
        self._http = httpx2.Client(
            base_url=server.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(server.timeout_s, connect=min(30.0, server.timeout_s)),
            limits=httpx2.Limits(max_connections=server.capacity),
        )
        self._retrying = Retrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=stop_after_attempt(server.attempts),
            wait=self._wait,
            reraise=True,
        )

    @property
    def capacity(self) -> int:
        """How many requests it works on at once."""
        return self.server.capacity

    def submit(self, request: Request) -> Future[Reply]:
        """Take a request. The future raises Incomplete after the last attempt, BadRecipe where it is refused."""
        return self._threads.submit(self._reply, request)

    def close(self) -> None:
        """End the threads and the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _reply(self, request: Request) -> Reply:
        try:
            reply: Reply = self._retrying.copy()(self._attempt, request)
        except _TryAgain as error:
            raise Incomplete(f"{self.server.url}: {error}, {self.server.attempts} times") from error
        return reply

    def _attempt(self, request: Request) -> Reply:
        path = "/completions" if request.messages is None else "/chat/completions"
        give_up = time.monotonic() + self.server.timeout_s
        try:
            with self._http.stream("POST", path, json=self._body(request)) as response:
                said = self._said(response, give_up)
        except httpx2.HTTPError as error:
            raise _TryAgain(f"{type(error).__name__} {error}".strip()) from error
        if response.status_code in BUSY:
            raise _TryAgain(f"HTTP {response.status_code}", _retry_after(response))
        if response.status_code != 200:
            return self._refused(request, response.status_code, said.decode("utf-8", "replace"))
        try:
            answer = msgspec.convert(json.loads(said, parse_constant=lambda _: None), _Answer)  # NaN is no number
            return _read(answer, request)
        except (msgspec.MsgspecError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise _TryAgain(f"an answer that cannot be read: {error}") from error

    def _said(self, response: httpx2.Response, give_up: float) -> bytes:
        """Return the body. The client's own time limit is for each piece, of which there may be no end."""
        said = bytearray()
        for piece in response.iter_bytes():
            said += piece
            if time.monotonic() > give_up or len(said) > MOST_BYTES:
                raise _TryAgain(f"an answer without an end, {len(said):,} bytes so far")
        return bytes(said)

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model.name,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": request.seed,
            "n": 1,
        }
        extras = {name: getattr(sampling, name) for name in ("top_k", "min_p", "repetition_penalty")}
        extras["stop"] = list(sampling.stop) or None
        body |= {name: value for name, value in extras.items() if value is not None}
        if request.messages is None:
            # The prompt carries what the template put at its beginning; vLLM would put it there once more.
            return body | {"prompt": request.prompt, "add_special_tokens": False, "logprobs": 0}
        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        return body | {"messages": messages, "logprobs": True}

    def _refused(self, request: Request, status: int, said: str) -> Reply:
        if status in {400, 413, 422} and any(words in said[:300].lower() for words in TOO_LONG):
            return Reply("", "too_long", 0, 0, candidate=request.candidate)
        raise BadRecipe(
            f"{self.server.url} refused the request for {self.model.name}: HTTP {status}, {said[:300]!r}; "
            "check the model's name, the sampling and OPENAI_API_KEY"
        )

    def _wait(self, state: RetryCallState) -> float:
        backing_off = wait_random_exponential(self.server.wait_s, max=LONGEST_WAIT_S)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_s if isinstance(error, _TryAgain) else None
        return min(LONGEST_WAIT_S, max(backing_off, asked or 0.0))


def _read(answer: _Answer, request: Request) -> Reply:
    choice = answer.choices[0]
    if choice.finish_reason not in get_args(FinishReason):
        message = f"finish_reason {choice.finish_reason!r}"  # none: half an answer
        raise ValueError(message)
    text = choice.text if choice.message is None else choice.message.get("content")
    if not isinstance(text, str | None):
        raise TypeError(f"a text of type {type(text).__qualname__}")
    return Reply(
        text=tidy(text or ""),
        finish_reason=cast(FinishReason, choice.finish_reason),
        tokens_in=answer.usage.prompt_tokens,
        tokens_out=answer.usage.completion_tokens,
        logprob=_logprob(choice.logprobs),
        candidate=request.candidate,
    )


def _logprob(found: dict[str, Any] | None) -> float | None:
    if not found:
        return None
    values = found.get("token_logprobs") or [token["logprob"] for token in found.get("content") or ()]
    return float(sum(value for value in values if value is not None)) if values else None


def _retry_after(response: httpx2.Response) -> float | None:
    try:
        return float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
