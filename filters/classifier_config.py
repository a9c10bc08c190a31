"""What decides on a text in a classifier beside its weights: config.json, see `filters.classifier`."""

from typing import Annotated, Literal

import msgspec

from filters.token_line import SPELLING, Reads
from manifests.errors import BadRecipe, BadSource
from manifests.manifest import FILE_SUFFIX, Manifest
from manifests.model_folder import CONFIG, FASTTEXT
from manifests.store import Store

HEAD = "head.safetensors"
_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_]{0,39}$")]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decides on a text beside the weights."""

    classifier: Literal[1]  # the format of this file
    name: _Name  # what it measures, as "education"
    kind: Literal["fasttext", "embedding"]
    target: Literal["points", "choice", "names"]
    classes: Annotated[tuple[str, ...], msgspec.Meta(min_length=2, max_length=1_000)]  # of points all, from "0" on
    positive: str = ""  # of a choice: the class whose probability is the score
    threshold: float = 0.5  # of points and of a choice: from which score on a text is on the good side
    languages: tuple[str, ...] = ()  # it learned from; rows in others are not measured; none: all are
    reads: Reads = "text"
    max_chars: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 3_000  # of a text, from its beginning
    spelling: int = SPELLING
    encoder: str = ""  # of a head: digest of model.onnx, then of tokenizer.json
    max_tokens: Annotated[int, msgspec.Meta(ge=8, le=8_192)] = 256  # that the encoder reads
    pooling: Literal["mean", "cls"] = "mean"

    def __post_init__(self) -> None:
        """Refuse settings that do not go together."""
        if self.target == "points" and list(self.classes) != [str(number) for number in range(len(self.classes))]:
            raise ValueError("the classes of points are 0, 1, 2, ...")
        if self.target == "choice" and (len(self.classes) != 2 or self.positive not in self.classes):
            raise ValueError("a choice is between two classes, one of which is positive")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("two classes have one name")

    @property
    def most(self) -> int:
        """The most points; 0 for names."""
        return len(self.classes) - 1 if self.target == "points" else 0

    @property
    def measure(self) -> str:
        """The name of the score."""
        return f"classifier/{self.name}"


def config_of(store: Store, manifest: Manifest, name: str) -> Config:
    """Return the configuration of a classifier. Raises BadRecipe where the model is no classifier."""
    files = {file.name: file.digest for file in manifest.files}
    learned = FASTTEXT in files or HEAD in files
    if not learned or CONFIG not in files:
        raise BadRecipe(
            f"{name}: expected a classifier, found a model with {', '.join(files) or 'no files':.160}; "
            "train one with `koba classifier train`"
        )
    return read_config(store.get(files[CONFIG], FILE_SUFFIX), name)


def read_config(data: bytes, name: str) -> Config:
    """Return a configuration from its bytes, which may be hostile. Raises BadSource, BadRecipe."""
    try:
        config = msgspec.json.decode(data, type=Config)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadSource(
            f"{name}: {CONFIG} is no classifier's: {error!s:.200}; train it again with `koba classifier train`"
        ) from error
    if config.spelling != SPELLING:
        raise BadRecipe(
            f"{name}: learned from texts in spelling {config.spelling}; this koba writes spelling {SPELLING}, in which "
            "its words are others: train it again with `koba classifier train`"
        )
    return config


def encoder_digest(model: str, tokenizer: str) -> str:
    """Return what a configuration says of its encoder's files."""
    return f"{model}+{tokenizer}"
