"""A classifier of our own making, written byte by byte: what it says is arithmetic, not training."""

import struct
from pathlib import Path

from filters.classified import Classified
from filters.classifier_config import Config
from manifests import artifact, canonical
from manifests.store import Store

WORDS = {
    "</s>": (0.0, 0.0),
    "plants": (2.0, 0.0),
    "sale": (-2.0, 0.0),
    "光": (0.0, 2.0),
    "the": (9.0, 0.0),
    "の": (0.0, -9.0),
}
LABELS = {"0": (-1.0, -1.0), "1": (0.0, 0.0), "2": (1.0, 1.0)}  # points


def fasttext_bytes(vocabulary=None, classes=None, **changed):
    """Return a model as fastText writes it; `changed` are numbers of its header."""
    vocabulary, classes = vocabulary or WORDS, classes or LABELS
    head = {
        "magic": 793712314,
        "version": 12,
        "dim": 2,
        "ws": 5,
        "epoch": 1,
        "min_count": 1,
        "neg": 5,
        "word_ngrams": 1,
        "loss": 3,
        "model": 3,
        "bucket": 0,
        "minn": 0,
        "maxn": 0,
        "lr_update_rate": 100,
        "t": 1e-4,
        "entries": len(vocabulary) + len(classes),
        "words": len(vocabulary),
        "labels": len(classes),
        "tokens": 100,
        "pruned": -1,
    } | changed
    entries = [struct.pack("<qb", 9 - place, 0) for place in range(len(vocabulary))]
    entries += [struct.pack("<qb", 5, 1) for _ in classes]
    names = [*vocabulary, *(f"__label__{label}" for label in classes)]
    dictionary = b"".join([name.encode() + b"\0" + rest for name, rest in zip(names, entries, strict=True)])
    return struct.pack("<14id3i2q", *head.values()) + dictionary + matrix(vocabulary) + matrix(classes)


def matrix(rows):
    numbers = [number for row in rows.values() for number in row]
    return struct.pack(f"<?2q{len(numbers)}f", False, len(rows), 2, *numbers)


def config(**changed):
    return Config(
        **{"classifier": 1, "name": "tiny", "kind": "fasttext", "target": "points", "classes": tuple(LABELS)}
        | {"threshold": 1.5, "languages": ("en", "ja")}
        | changed
    )


def stored(store: Store, folder: Path, name: str = "models/tiny", **changed) -> Store:
    folder.mkdir(exist_ok=True)
    (folder / "model.fasttext").write_bytes(fasttext_bytes())
    (folder / "config.json").write_bytes(canonical.encode(_plain(config(**changed))))
    store.tag(name, artifact.store_model(store, folder, licence="MIT").id)
    return store


def stage(store: Store, name: str = "models/tiny", **thresholds) -> Classified:
    return Classified(name, **thresholds).resolve(store).within(store)


def _plain(made: Config):
    import msgspec

    return msgspec.to_builtins(made)
