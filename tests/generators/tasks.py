"""A small task, and engines that count what they are asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock

from generators import calls
from generators.echo import Echo, repeat
from generators.engine import Reply, Request, Sampling
from generators.generate import Generate
from generators.weights import echo_model
from manifests.rows import Document, Message, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from tests.manifests.stages import Source
from tests.patience import LIMIT_S

ECHO = echo_model()


@dataclass(frozen=True, slots=True)
class Again:
    """Ask for the text once more."""

    template: str = "Say again: {text}"
    system: str = "You are an echo."

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.system), Message("user", self.template.format(text=doc.text))

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        if "unspeakable" in reply.text:
            return Rejected(doc, "again/unspeakable")
        return doc.derive(text=reply.text, source="again")


@dataclass(frozen=True, eq=False)
class Counting:
    """An answer that notes every request, and does with it what `then` does."""

    then: Callable[[Request], str | Reply] = repeat
    requests: list[Request] = field(default_factory=list)
    lock: object = field(default_factory=Lock)

    def __call__(self, request: Request) -> str | Reply:
        with self.lock:
            self.requests.append(request)
        return self.then(request)

    @property
    def calls(self) -> int:
        return len(self.requests)


@dataclass(frozen=True)
class Texts:
    """A unit of documents, named by the number of their text."""

    texts: tuple[str, ...]
    language: str = "en"

    @property
    def key(self) -> list[str]:
        return list(self.texts)

    @property
    def file(self) -> str:
        return f"{len(self.texts)} texts"

    def rows(self):
        for text in self.texts:
            yield document(text, self.language)


def document(text: str, language: str = "en", **more: object) -> Document:
    return Document(id=row_id("document", "texts", text), source="texts", text=text, language=language, **more)


def texts(*given: str, units: int = 1) -> Source:
    """The texts as the source of a run, in so many units."""
    size = -(-len(given) // units)
    return Source(tuple(Texts(given[start : start + size]) for start in range(0, len(given), size)))


def asks(
    answer: Callable[[Request], str | Reply] = repeat,
    *,
    task: object = None,
    delay_s: float = 0.0,
    capacity: int = 8,
    model: object = ECHO,
    sampling: Sampling | None = None,
    **more: object,
) -> Recipe:
    """A recipe of one step that asks an echo."""
    place = Echo(answer, delay_s, capacity)
    stage = Generate(task or Again(), model=model, sampling=sampling or Sampling(), engine=place, **more)
    return Recipe("asks", (stage,))


NAMES = [f"text {n}" for n in range(120)]


def driver(store: str, log: str, order: int = 1, units: int = 3, most: int | None = None) -> None:
    """Ask about many texts, each at its own pace, in small batches, and log each request; after `most`, wait."""
    asked = count()

    def answer(request: Request) -> str:
        with Path(log).open("a") as file:
            file.write(f"{request.seed}\n")
        if most is not None and next(asked) >= most:
            time.sleep(LIMIT_S)  # somebody is to kill this process
        time.sleep(request.seed % 7 / 1_000)
        return repeat(request)

    calls.BATCH_CALLS = 10
    recipe = asks(answer, delay_s=0.005, capacity=4, sampling=Sampling(n=2))
    run(recipe, texts(*NAMES[::order], units=units), store=Store(store), tag="asks")
