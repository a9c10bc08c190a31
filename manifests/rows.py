"""Row kinds: one text, one conversation, one preference or one run of tokens, each with an identity.

All rows are frozen: a stage that passes a row on unchanged passes on the same object, and `run` relies on that.

    edited = doc.replace(text=cleaned)              # the same id, another hash, no token_count
    made = doc.derive(text=reply, language="ja")    # a new row, whose parent is `doc`

The garbage collector does not look at rows (`gc=False`): nothing in a row refers to a row, so none is in a cycle.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring as _quoted  # what `json.dumps` calls, without its set-up
from typing import Any, ClassVar, Self

import msgspec

from manifests import canonical
from manifests.errors import BadRecipe

ID_BYTES = 16  # of a SHA-256: 2**64 rows before a collision is likely


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a row was read: enough to read it again and compare."""

    file: str  # relative to the crawl, never a path of this machine
    offset: int  # bytes from the start of the file
    length: int  # bytes in the file; of the compressed record where records are compressed
    digest: str  # "sha256:<hex>" of the payload (the HTTP body as it is stored, before any content decoding)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn of a conversation, with the field's names for both parts."""

    role: str
    content: str


class Row(msgspec.Struct, frozen=True, gc=False):
    """The identity columns that every kind shares; column names follow FineWeb where it has them."""

    kind: ClassVar[str] = ""

    id: bytes = b""  # 16 bytes, see `row_id` and `derive`
    source: str = ""  # what gave the row: a crawl, a package, the name of a task
    url: str | None = None
    date: str | None = None  # ISO 8601, as the crawl wrote it
    language: str | None = None  # ISO 639-1
    language_score: float | None = None
    token_count: int | None = None
    licence: str | None = None  # SPDX identifier
    origin: Origin | None = None
    parents: tuple[bytes, ...] = ()
    call: bytes | None = None  # key of the model call that wrote the row
    scores: Mapping[str, float] = {}  # float32, rounded to 4 digits where they are stored
    labels: Mapping[str, str] = {}

    def payload(self) -> bytes:
        """Return the bytes that make this row the row it is; they go into its hash."""
        raise NotImplementedError

    def replace(self, **changes: Any) -> Self:
        """Return this row with some fields changed: the same id. Another payload has no `token_count` yet."""
        if self.token_count is not None and "token_count" not in changes and self._is_other(changes):
            changes["token_count"] = None
        return msgspec.structs.replace(self, **changes)

    def _is_other(self, changes: Mapping[str, Any]) -> bool:
        return any(name in changes and changes[name] != getattr(self, name) for name in _PAYLOADS.get(self.kind, ()))

    def derive(self, *, part: int = 0, candidate: int = 0, **changes: Any) -> Self:
        """Return a new row made from this one, which becomes its parent.

        `part` and `candidate` tell several rows of one parent apart. The id is final once `run` has mixed the
        fingerprint of the step into it: the same text made by another prompt is another row.
        """
        parents = tuple(changes.pop("parents", (self.id,)))
        return self.replace(id=derived_id(parents, "", part, candidate), parents=parents, **changes)

    def shared(self) -> dict[str, Any]:
        """Return the columns that all kinds share, to make a row of another kind with them: it has no token count."""
        return {name: getattr(self, name) for name in Row.__struct_fields__} | {"token_count": None}

    @property
    def hex(self) -> str:
        """The id as people read and type it."""
        return self.id.hex()


class Document(Row, frozen=True, gc=False):
    """One text."""

    kind: ClassVar[str] = "document"
    text: str = ""

    def payload(self) -> bytes:
        return self.text.encode()


class Conversation(Row, frozen=True, gc=False):
    """Turns of a chat, in the `messages` form."""

    kind: ClassVar[str] = "conversation"
    messages: tuple[Message, ...] = ()

    def payload(self) -> bytes:
        return _encoded(_turns(self.messages))


class Preference(Row, frozen=True, gc=False):
    """A prompt with a chosen and a rejected reply, in TRL's conversational form."""

    kind: ClassVar[str] = "preference"
    prompt: tuple[Message, ...] = ()
    chosen: tuple[Message, ...] = ()
    rejected: tuple[Message, ...] = ()

    def payload(self) -> bytes:
        return _encoded(f"[{_turns(self.prompt)},{_turns(self.chosen)},{_turns(self.rejected)}]")


class Tokens(Row, frozen=True, gc=False):
    """A text as a model sees it. The tokenizer is named by the manifest."""

    kind: ClassVar[str] = "tokens"
    input_ids: tuple[int, ...] = ()

    def payload(self) -> bytes:
        return b"".join([token.to_bytes(4, "little") for token in self.input_ids])


class Page(Row, frozen=True, gc=False):
    """A web page as a crawl holds it. It lives only until it is extracted and is never stored."""

    kind: ClassVar[str] = "page"
    content: bytes = b""  # HTTP body, transfer and content encodings removed
    content_type: str = ""  # the header's value, in lower case, with its parameters
    status: int = 200
    headers: Mapping[str, str] = {}  # HTTP headers, names in lower case

    def payload(self) -> bytes:
        return self.content


_PAYLOADS = {
    "document": ("text",),
    "conversation": ("messages",),
    "preference": ("prompt", "chosen", "rejected"),
    "tokens": ("input_ids",),
}
STORED_KINDS: dict[str, type[Row]] = {kind.kind: kind for kind in (Document, Conversation, Preference, Tokens)}


def row_id(kind: str, source: str, locator: str) -> bytes:
    """Return the id of a row that a source gave: never made from its position in a file.

    `locator` is what the source itself calls the record: for the web, the WARC record id, or where there is none the
    digest of the file and the record's offset in it.
    """
    name = locator.encode()
    return hashlib.sha256(b"%b%d:%b" % (_beginning(kind, source), len(name), name)).digest()[:ID_BYTES]


@lru_cache(maxsize=256)  # rows come by the million from few sources
def _beginning(kind: str, source: str) -> bytes:
    return canonical.join_parts(kind.encode(), source.encode())


@lru_cache(maxsize=256)  # a step that numbers its rows asks for what `derive` has just made
def derived_id(parents: tuple[bytes, ...], fingerprint: str, part: int, candidate: int) -> bytes:
    """Return the id of a row made from other rows by a step with this fingerprint."""
    numbers = b"%d/%d" % (part, candidate)
    return canonical.digest_parts(b"derived", b"".join(parents), fingerprint.encode(), numbers)[:ID_BYTES]


def row_hash(row: Row) -> bytes:
    """Return 16 bytes over payload, language, url, licence and parents.

    Scores are not part of it: a new classifier must not make every row look changed.
    Raises UnicodeEncodeError where a text cannot be written as UTF-8.
    """
    payload, facts = row.payload(), _NO_FACTS
    if row.language or row.url or row.licence or row.parents:
        texts = (row.language or "", row.url or "", row.licence or "")
        facts = canonical.join_parts(*[text.encode() for text in texts], b"".join(row.parents))
    return hashlib.sha256(b"%d:%b%b" % (len(payload), payload, facts)).digest()[:ID_BYTES]


_NO_FACTS = canonical.join_parts(b"", b"", b"", b"")


def _turns(messages: tuple[Message, ...]) -> str:
    """Return what `canonical.encode` writes of turns, five times as fast; a test holds the two against each other."""
    turns = [f'{{"content":{_quoted(turn.content)},"role":{_quoted(turn.role)}}}' for turn in messages]
    return f"[{','.join(turns)}]"


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadRecipe(f"a lone surrogate has no canonical form: {error}") from error
