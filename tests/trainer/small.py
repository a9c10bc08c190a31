"""A small corpus of tokens, a small model, and a training of a few steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from manifests.manifest import Manifest
from manifests.rows import Document, Row, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.tokens import Tokenize, train_tokenizer
from tests.sources import OneUnit
from trainer.checkpoint import Checkpoint
from trainer.config import Config
from trainer.settings import Settings
from trainer.train import train

CONFIG = Config(
    vocabulary=300, pattern="MA", width=32, mlp_width=48, heads=2, key_heads=1, ssm_heads=2, ssm_head_width=32,
    ssm_state=8, chunk=16,
)  # fmt: skip
SETTINGS = Settings(steps=6, batch=2, length=32, warmup_steps=2)


@dataclass(frozen=True)
class Texts(OneUnit):
    """Texts as a source: one unit, each text a document named by its number."""

    texts: tuple[str, ...]
    name: str = "texts"

    @property
    def key(self) -> list[str]:
        return [self.name, *self.texts]

    @property
    def file(self) -> str:
        return self.name

    def rows(self) -> Iterator[Row | Rejected]:
        for number, text in enumerate(self.texts):
            yield Document(id=row_id("document", self.name, str(number)), source=self.name, text=text)


def sentences(count: int, name: str = "factory") -> tuple[str, ...]:
    """Texts of different lengths, the first ones short."""
    return tuple(" ".join([f"The {name} makes dataset {n}.", *["It is a quiet day."] * (n % 7)]) for n in range(count))


def tokens_in(store: Store, texts: tuple[str, ...], name: str = "texts") -> Manifest:
    """Tokenise texts into a store and name the dataset."""
    digest = train_tokenizer(sentences(20), 300).save(store)
    return run(Recipe(name, (Tokenize(digest, store),)), Texts(texts, name), store=store, tag=name).manifest


def trained(store: Store, folder: Path, settings: Settings = SETTINGS, **options) -> Checkpoint:
    """Train the small model on the dataset `texts`."""
    return train(store, {"texts": 1}, CONFIG, settings, folder, **options)
