"""Small files of code, a run of a program on them with written replies, and what became of each."""

from dataclasses import dataclass, replace

from filters.code_sets import LABEL
from generators.echo import Echo
from generators.weights import echo_model
from manifests.funnel import funnel
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.view import View
from tests.manifests.stages import Source

MODEL = replace(echo_model(), licence="Apache-2.0")
BEES = """import math


def hives(bees: int, room: int = 12) -> int:
    if room <= 0:
        raise ValueError(f"no room: {room}")
    return math.ceil(bees / room)


class Keeper:
    def __init__(self, name):
        self.name = name
"""
TIDES = """import datetime


def high(day: datetime.date) -> float:
    return (day.toordinal() % 29) / 29
"""
BROKEN = "def hives(bees:\n    return\n"


@dataclass(frozen=True)
class Files:
    """A unit of files of code under a licence."""

    texts: tuple[str, ...]
    language: str = "python"

    @property
    def key(self):
        return [self.language, *self.texts]

    @property
    def file(self):
        return f"{len(self.texts)} files"

    def rows(self):
        for text in self.texts:
            yield code(text, self.language)


def code(text, language="python", **labels):
    made = {LABEL: language, **labels}
    return Document(id=row_id("document", "files", text), source="files", text=text, licence="MIT", labels=made)


def asked(recipe, store, *texts, answer, language="python", **options):
    """Run a program on files; return its rows, and how many rows were refused for which reason."""
    made = recipe(model=MODEL, engine=Echo(answer), **options)
    done = run(made, Source((Files(texts, language),)), store=store, tag=made.name)
    reasons = {}
    for step in funnel(store, done.manifest):
        reasons |= step.reasons
    return list(View(store, done.manifest)), reasons
