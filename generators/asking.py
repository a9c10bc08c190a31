"""Asking a model, many requests at once: each call is looked up first, and paid for once.

The key of a call is a digest of the model, its tokenizer and chat template, the rendered prompt, the sampling, the seed
and the number of the candidate; the last four give the seed that the model draws with. The length limit is in the key
of a reply that it cut, and in no other: a reply that ended by itself would be the same under every limit that it fits
in.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Condition
from types import TracebackType
from typing import Self

from generators import calls as call_cache
from generators.engine import Engine, Place, Prompt, Reply, Request, Sampling
from generators.places import opened
from generators.purse import Purse
from generators.weights import Model
from manifests import canonical
from manifests.errors import Incomplete, KobaError
from manifests.store import Store

AHEAD = 4  # requests on their way for each one that the engine works on at once
MOST_FAILED = 64  # calls in one unit: then the engine is taken to be down
SEED_BITS = 31  # servers read 32 bits, some of them signed


@dataclass(slots=True)
class Call:
    """One candidate's reply, or the future of it."""

    key: bytes  # of a reply that ended by itself
    limit: int  # of the reply, in tokens
    limits: bytes  # that and the model's context
    reply: Reply | None = None
    future: Future[Reply] | None = None

    @property
    def done(self) -> bool:
        """Whether the reply, or the failure, is here."""
        return self.future is None or self.future.done()

    def result(self) -> Reply:
        """Return the reply. Raises Incomplete where the call failed."""
        if self.reply is None and self.future is not None:
            self.reply = self.future.result()
        if self.reply is None:
            raise Incomplete("a call without a reply")
        return self.reply

    @property
    def cut_key(self) -> bytes:
        """The key of a reply that a limit cut."""
        return canonical.digest_parts(self.key, self.limits)

    def key_of(self, reply: Reply) -> bytes:
        """Return the key under which a reply to this call is stored."""
        return self.key if reply.finish_reason in {"stop", "content_filter"} else self.cut_key


class Asking:
    """One unit's calls: a context that commits what was answered, whatever happens."""

    def __init__(
        self, store: Store, model: Model, sampling: Sampling, place: Place, purse: Purse | None = None
    ) -> None:
        self.model, self.sampling, self.place = model, sampling, place
        self.purse = purse or Purse()
        self._sampling_key = sampling.key
        self._seed = b"%d" % sampling.seed
        self._model_key = canonical.digest_parts(model.weights.encode(), model.tokenizer.encode())
        scope = canonical.digest_parts(self._model_key, self._sampling_key).hex()[:16]
        self.calls = call_cache.shared(store, scope)
        self._engine: Engine | None = None
        self._unfinished = 0
        self._stopped = False
        self._changed = Condition()
        self.failures: list[KobaError] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.calls.flush()
        if error is None:
            self.calls.tidy()

    def ask(self, prompt: Prompt, numbers: Iterable[int] | None = None) -> list[Call]:
        """Return a call for each candidate: a reply that is known already, or the future of a new one.

        Without `numbers` these are the `n` candidates of the sampling.
        """
        rendered, messages = self.model.render(prompt)
        digest = canonical.digest_parts(self._sampling_key, rendered.encode())
        limit, context = self.sampling.limit(rendered), self.model.max_context
        limits = b"%d/%d" % (limit, context or 0)
        found: list[Call] = []
        for candidate in range(self.sampling.n) if numbers is None else numbers:
            number = b"%d" % candidate
            call = Call(canonical.digest_parts(self._model_key, digest, self._seed, number), limit, limits)
            call.reply = self._known(call)
            if call.reply is not None:
                self.purse.found(rendered, call.reply)
            else:
                seed_bytes = canonical.digest_parts(self._seed, digest, number)
                seed = int.from_bytes(seed_bytes[:4], "big") >> (32 - SEED_BITS)
                sampling = self.sampling if limit == self.sampling.max_tokens else self._limited(limit)
                self._send(call, Request(rendered, sampling, seed, candidate, messages, context))
            found.append(call)
        return found

    @property
    def full(self) -> bool:
        """Whether enough is on its way to keep the engine busy."""
        return self._engine is not None and self._unfinished >= AHEAD * self._engine.capacity

    def may_go_on(self) -> bool:
        """Tell whether more may be asked; once the budget is spent, `check` will say so."""
        self._stopped = self._stopped or self.purse.empty
        return not self._stopped

    def wait(self, calls: Sequence[Call]) -> None:
        """Wait until something is answered, or a batch is due; not at all where `calls` are all done."""
        with self._changed:
            if not all(call.done for call in calls):
                self._changed.wait(call_cache.BATCH_S)
        self.calls.flush(due=True)

    def failed(self, error: KobaError) -> None:
        """Take note of a call that failed. Raises Incomplete where so many did that more are not worth trying."""
        self.failures.append(error)
        if len(self.failures) >= MOST_FAILED:
            self.check()

    def check(self) -> None:
        """Raise Incomplete where calls failed, or the budget did not suffice: the next run asks only for the rest."""
        if self.failures:
            raise Incomplete(
                f"{len(self.failures)} model calls failed; the first: {self.failures[0]}. What was answered is stored: "
                "run the same command again, and only these are asked again"
            ) from self.failures[0]
        if self._stopped:
            raise Incomplete(
                f"the budget is spent: {self.purse.told()}. What was answered is stored: run the same "
                "command again with a new budget to go on"
            )

    def _known(self, call: Call) -> Reply | None:
        reply = self.calls.get(call.key)
        if reply is not None and reply.tokens_out <= call.limit:
            return reply
        return self.calls.get(call.cut_key)

    def _limited(self, limit: int) -> Sampling:
        return replace(self.sampling, max_tokens=limit, max_ratio=None)

    def _send(self, call: Call, request: Request) -> None:
        engine = self._engine = self._engine or opened(self.place, self.model)
        with self._changed:
            self._unfinished += 1
        call.future = self.calls.ask(
            call.cut_key,
            known=lambda: self._known(call),
            submit=lambda: engine.submit(request),
            key=self._key(call),
        )
        call.future.add_done_callback(lambda done: self._landed(request, done))

    def _key(self, call: Call) -> Callable[[Reply], bytes | None]:
        def key(reply: Reply) -> bytes | None:
            if reply.finish_reason == "too_long" and self.model.max_context is None:
                return None  # how much the server takes may change
            return call.key_of(reply)

        return key

    def _landed(self, request: Request, future: Future[Reply]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.purse.paid(request.prompt, future.result())
        with self._changed:
            self._unfinished -= 1
            self._changed.notify_all()
