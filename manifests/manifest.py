"""The manifest: what one version of a dataset is, down to the byte.

Its id is the SHA-256 of its canonical JSON. Time, host and cost are not in it: they go to `runs/`.
"""

import re
from typing import Annotated, Any

import msgspec

from manifests import canonical
from manifests.errors import Damaged

FORMAT = 1  # of manifests, shards and ledgers together; raised when old readers would misread
FILE_SUFFIX = ".file"  # of an object that is one file of an artifact
TOKENIZER_SUFFIX = ".tokenizer"  # of tokenizers, which the steps that use them name
WORD_LIST_SUFFIX = ".list"  # of lists of words or addresses, likewise
MAX_NAME_CHARS = 240
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shard as this manifest sees it."""

    shard: Digest  # of the Parquet file's bytes
    content: Digest  # over sorted (id, hash) of the visible rows: the same data in whatever encoding
    rows: int  # visible rows
    size: int  # bytes of the Parquet file
    chars: int  # characters of text in the visible rows; 0 for kinds without a text
    tokens: int = 0  # sum of token_count over the visible rows
    mask: Digest | None = None  # roaring bitmap of the visible rows; none: all


class StepRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of the recipe and what it did to the rows."""

    stage: str
    describe: dict[str, Any]
    rules: tuple[dict[str, Any], ...] = ()  # reason, measure, keep, threshold
    rows_in: int = 0
    kept: int = 0  # of `rows_in`
    dropped: int = 0  # of `rows_in` and of rows that the step made
    altered: int = 0  # of `kept`: another payload under the same id
    derived: int = 0  # new rows
    reasons: dict[str, int] = {}


class SourceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that rows were read from, named as `Origin.file` names it."""

    file: str
    digest: Digest
    size: int


class Ledger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Digests of the ledger's tables, see `manifests.ledger`."""

    values: tuple[Digest, ...] = ()
    decisions: tuple[Digest, ...] = ()


class IndexPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One bucket of the sidecar index: (id, hash, shard, row), sorted by id."""

    object: Digest
    rows: int


class FileRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of an artifact. No name leads out of the folder that it is written to."""

    name: str  # relative to the artifact's folder, "/" between folders
    digest: Digest
    size: int

    def __post_init__(self) -> None:
        """Refuse every name that is not plain letters, digits, ".", "_" and "-", or that begins with a dot."""
        if not _FILE_NAME.fullmatch(self.name) or len(self.name) > MAX_NAME_CHARS or self.size < 0:
            raise ValueError(f"{self.name!r:.80} ({self.size} bytes) is no file of an artifact")


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model, a tokenizer or a checkpoint: files that belong together, see `manifests.artifact`."""

    files: tuple[FileRecord, ...]  # sorted by name
    licence: str
    weights: Digest | None = None  # over config.json and the weight files; none: there are none
    tokenizer: Digest | None = None  # over the tokenizer's files
    chat_template: Digest | None = None  # of its text

    def __post_init__(self) -> None:
        """Refuse names that stand for two files, or for a file and a folder."""
        names = [file.name for file in self.files]
        folders = {name[:end] for name in names for end, letter in enumerate(name) if letter == "/"}
        if names != sorted(set(names)) or folders.intersection(names):
            raise ValueError("the names of an artifact's files are not sorted, or two of them are in each other's way")


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ordered list of shards, and everything that made them; or the files of an artifact."""

    kind: str
    schema: Digest
    entries: tuple[Entry, ...]
    index: tuple[IndexPart, ...]  # 2**k buckets by the first k bits of the id
    content: Digest  # over sorted (id, hash) of all visible rows
    rows: int
    parents: tuple[Digest, ...] = ()
    fingerprint: str = ""  # of the recipe's steps up to here
    steps: tuple[StepRecord, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
    licences: dict[str, int] = {}
    ledger: Ledger = Ledger()
    models: dict[str, str] = {}  # that wrote rows in these steps, see `manifests.used`
    prompts: dict[str, str] = {}  # digests: the texts themselves stand in `steps`
    format: int = FORMAT
    artifact: Artifact | None = None

    def body(self) -> bytes:
        """Return the canonical JSON that the id is taken over."""
        body = msgspec.to_builtins(self)
        if self.artifact is None:
            del body["artifact"]  # no word of it in a dataset
        return canonical.encode(body)

    @property
    def id(self) -> str:
        """SHA-256 of the body."""
        return canonical.sha256(self.body())

    @property
    def files(self) -> tuple[FileRecord, ...]:
        """The files of an artifact; a dataset has none."""
        return self.artifact.files if self.artifact else ()

    @property
    def chars(self) -> int:
        """Characters of text in all visible rows."""
        return sum(entry.chars for entry in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all shards, or of all files."""
        return sum(entry.size for entry in self.entries) + sum(file.size for file in self.files)

    @property
    def tokens(self) -> int:
        """Tokens in all visible rows, as far as they were counted."""
        return sum(entry.tokens for entry in self.entries)


def read_manifest(body: bytes, name: str) -> Manifest:
    """Decode and validate a manifest, which may be hostile. Raises Damaged."""
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Damaged(f"manifest {name[:16]}: {error}; it was written by another version of koba or changed") from error
    if manifest.format != FORMAT:
        raise Damaged(f"manifest {name[:16]} has format {manifest.format}; this koba reads format {FORMAT}")
    return manifest
