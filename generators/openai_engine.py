"""Any server with the HTTP interface of OpenAI: vLLM, SGLang, llama.cpp, or a hosted model.

A model whose chat template is known here gets the rendered prompt at /completions, so that its calls are the same as
those of an engine in this process; for others the server renders the messages itself, at /chat/completions. How many
requests are open follows what the server can take, see `generators.throttle`.
"""

import json
import os
import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Annotated, Any, cast, get_args

import httpx2
import msgspec

from generators.chat_template import tidy
from generators.engine import FinishReason, Reply, Request
from generators.forms import Choice, Form, JsonSchema
from generators.lanes import Lane, Lanes
from generators.throttle import LONGEST_WAIT_S, seconds_of
from generators.weights import Model
from manifests.errors import BadRecipe, Incomplete

FAILING = {408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529}  # statuses after which a request may succeed
TOO_MANY = 429
PATIENCE = 10  # times that a request is sent away with "too many" for each failure that it may meet
MOST_BYTES = 2**24  # of one answer, with a log-probability for each token
TOO_LONG = ("context length", "context_length", "max_model_len", "too long", "exceeds the maximum", "context size")


class _TryAgain(Exception):
    """What went wrong with one attempt."""

    def __init__(self, what: str, *, server: bool = False, busy: bool = False, rest_s: float | None = None) -> None:
        super().__init__(what)
        self.server = server  # the fault is the server's, and others would meet it too
        self.busy = busy
        self.rest_s = rest_s  # how long the server asked to be left alone


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its URL, with what it can take. The key to it is in OPENAI_API_KEY."""

    url: str  # up to and including /v1
    replicas: tuple[str, ...] = ()  # more servers with the same model
    capacity: int = 64  # requests at once, of each server, at the most
    timeout_s: float = 600.0  # for one reply as a whole: a server that hangs is asked again
    attempts: int = 6
    wait_s: float = 1.0  # before the second attempt; doubles, with jitter
    requests_per_min: float | None = None  # of each server; None: what its headers and its refusals say
    tokens_per_min: float | None = None  # in and out; likewise
    forms: str = "sent"  # "checked": the server knows none; replies are held against theirs here alone

    def __post_init__(self) -> None:
        if self.forms not in {"sent", "checked"} or self.capacity < 1 or self.attempts < 1:
            raise BadRecipe(f"{self}: expected forms=sent or forms=checked, capacity and attempts of 1 or more")

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
    """Requests to servers, a bounded number at once, each repeated with back-off until it is answered."""

    def __init__(self, server: Server, model: Model) -> None:
        self.server, self.model = server, model
        self._threads = ThreadPoolExecutor(self.capacity, thread_name_prefix="request")
        key = os.environ.get("OPENAI_API_KEY", "")
        self._lanes = Lanes(
            (server.url, *server.replicas),
            {"Authorization": f"Bearer {key}"} if key else {},
            capacity=server.capacity,
            timeout_s=server.timeout_s,
            wait_s=server.wait_s,
            requests_per_min=server.requests_per_min,
            tokens_per_min=server.tokens_per_min,
        )

    @property
    def capacity(self) -> int:
        """How many requests it works on at once."""
        return self.server.capacity * (1 + len(self.server.replicas))

    def submit(self, request: Request) -> Future[Reply]:
        """Take a request. The future raises Incomplete after the last attempt, BadRecipe where it is refused."""
        return self._threads.submit(self._reply, request)

    def close(self) -> None:
        """End the threads and the connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._lanes.close()

    def _reply(self, request: Request) -> Reply:
        lane: Lane | None = None
        failures, attempts = 0.0, 0
        while True:
            lane, turn = self._lanes.take(lane)
            attempts += 1
            give_back = lane.throttle.released
            try:
                reply, headers = self._attempt(lane, request)
                give_back = partial(lane.throttle.answered, turn, reply.tokens_in + reply.tokens_out, headers)
            except _TryAgain as error:
                failures += 1 / PATIENCE if error.busy else 1
                if error.server:
                    give_back = partial(lane.throttle.failed, turn, error.rest_s)
                if failures >= self.server.attempts:
                    raise Incomplete(f"{lane.url}: {error}, {attempts} times") from error
                alone_s = 0.0 if error.server else self.server.wait_s * 2**failures
            else:
                return reply
            finally:
                give_back()
            self._lanes.pause(random.uniform(0, min(LONGEST_WAIT_S, alone_s)))

    def _attempt(self, lane: Lane, request: Request) -> tuple[Reply, httpx2.Headers]:
        path = "/completions" if request.messages is None else "/chat/completions"
        give_up = time.monotonic() + self.server.timeout_s
        try:
            with lane.http.stream("POST", path, json=self._body(request)) as response:
                said = self._said(response, give_up)
        except httpx2.HTTPError as error:
            raise _TryAgain(f"{type(error).__name__} {error}".strip(), server=True) from error
        if response.status_code in FAILING | {TOO_MANY}:
            busy = response.status_code == TOO_MANY
            raise _TryAgain(
                f"HTTP {response.status_code}", server=True, busy=busy, rest_s=_retry_after(response.headers)
            )
        if response.status_code != 200:
            return self._refused(request, response.status_code, said.decode("utf-8", "replace")), response.headers
        try:
            answer = msgspec.convert(json.loads(said, parse_constant=lambda _: None), _Answer)  # NaN is no number
            return _read(answer, request), response.headers
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
        if self.server.forms == "sent":
            body |= _constraint(sampling.form)
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
            "check the model's name, the sampling and OPENAI_API_KEY; forms=checked where it knows no forms"
        )


def _constraint(form: Form | None) -> dict[str, Any]:
    """Return what a server is told of a form: JSON as OpenAI has it, the others as vLLM does."""
    if form is None:
        return {}
    if isinstance(form, JsonSchema):
        schema = {"name": "reply", "schema": json.loads(form.text), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    return {"structured_outputs": {"choice": list(form.of)} if isinstance(form, Choice) else {"regex": form.pattern}}


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


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Return for how many seconds a server wants to be left alone: it says so in seconds or names a time."""
    said = headers.get("retry-after", "")
    seconds = seconds_of(said)
    if seconds is None and said:
        try:
            seconds = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # the latter for a time without a zone
            return None
    return seconds
