"""Tokenizers, and the step that turns texts into rows of tokens.

    made = train_tokenizer(texts, vocabulary=8_192)
    digest = made.save(store)
    run(Recipe("web-tokens", (Tokenize(digest, store),)), "web", store=store, tag="web-tokens")

A tokenizer is one file: a Hugging Face `tokenizer.json` or a SentencePiece model. Its digest is its identity, and the
step record of the manifest names it. It lives in the store as `objects/aa/<digest>.tokenizer`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, ClassVar

import tokenizers
from sentencepiece import SentencePieceProcessor
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from manifests import canonical
from manifests.errors import BadRecipe, BadSource
from manifests.lineage import ancestry
from manifests.manifest import TOKENIZER_SUFFIX, Manifest
from manifests.rows import Conversation, Document, Row, Tokens, derived_id
from manifests.stage import Stage, describe
from manifests.store import Store

SPECIALS = ("<|begin|>", "<|end|>", "<|pad|>", "<|im_start|>", "<|im_end|>")
BATCH_ROWS = 256  # handed to the tokenizer at once

# Words as BPE may join them: numbers of up to 3 digits, runs of Japanese of up to 16 characters (no blank ends a word
# there, and one long word costs the square of its length), words in other scripts, punctuation, line ends, blanks.
_JAPANESE = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
WORDS = (
    rf"\p{{N}}{{1,3}}| ?[{_JAPANESE}]{{1,16}}| ?(?:(?![{_JAPANESE}])[\p{{L}}\p{{M}}])+"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class Tokenizer:
    """A tokenizer read from the bytes of its file. Text never becomes a special token: these are added by id."""

    def __init__(self, data: bytes) -> None:
        """Read `tokenizer.json` or a SentencePiece model. Raises BadSource where the bytes are neither."""
        self.data = data
        self._form = _Json(data) if data[:1] == b"{" else _SentencePiece(data)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return canonical.sha256(self.data)

    @property
    def file_name(self) -> str:
        """The name under which other programs expect the file."""
        return self._form.file_name

    @property
    def transformers_class(self) -> str | None:
        """The class of transformers that reads the file and gives the same tokens, if there is one."""
        return self._form.transformers_class()

    @property
    def size(self) -> int:
        """The number of tokens, special ones included."""
        return self._form.size()

    @property
    def specials(self) -> tuple[str, ...]:
        """The special tokens, in the order of their ids."""
        return self._form.specials()

    def token_id(self, token: str) -> int:
        """Return the id of one token. Raises BadRecipe where the vocabulary does not have it."""
        number = self._form.token_id(token)
        if number is None:
            raise BadRecipe(
                f"tokenizer {self.digest[:16]} has no token {token!r}; its special tokens are "
                f"{', '.join(self.specials) or 'none'}: name one of these, or None for no such token"
            )
        return number

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, nothing added at either end."""
        return self._form.encode_batch(list(texts))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text that tokens stand for."""
        return self._form.decode(list(ids))

    def save(self, store: Store) -> str:
        """Put the file into a store and return its digest."""
        return store.put(self.data, TOKENIZER_SUFFIX)


def load_tokenizer(store: Store, digest: str) -> Tokenizer:
    """Return a tokenizer that `Tokenizer.save` stored. Raises NotFound, Damaged."""
    return _parsed(store.get(digest, TOKENIZER_SUFFIX))


def train_tokenizer(
    texts: Iterable[str], vocabulary: int = 8_192, specials: tuple[str, ...] = SPECIALS, min_count: int = 2
) -> Tokenizer:
    """Learn byte-level BPE: every text can be written, for all 256 bytes are tokens. Equal texts give equal bytes.

    `vocabulary` counts special tokens and bytes too; few texts give fewer tokens.
    """
    if vocabulary < 256 + len(specials):
        raise BadRecipe(f"a vocabulary of {vocabulary} has no room for 256 bytes and {len(specials)} special tokens")
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=min_count,
        special_tokens=list(specials),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return Tokenizer(made.to_str().encode())


@dataclass(frozen=True, slots=True)
class Tokenize(Stage):
    """Documents and conversations as rows of tokens; each names its text in `parents`.

    A conversation is written as ChatML: `<|im_start|>role`, a line end, the content, `<|im_end|>` and a line end.
    """

    libraries: ClassVar[tuple[str, ...]] = ("sentencepiece", "tokenizers")

    tokenizer: str  # digest of the tokenizer's file
    store: Store = field(compare=False)  # where that file is; no part of the identity
    begin: str | None = "<|begin|>"  # token before each text: without one, nothing predicts a text's first token
    end: str | None = "<|end|>"  # token after each text
    turn_begin: str = "<|im_start|>"
    turn_end: str = "<|im_end|>"

    def describe(self) -> dict[str, Any]:
        described = describe(self)
        return described | {"fields": {name: value for name, value in described["fields"].items() if name != "store"}}

    def __call__(self, rows: Iterable[Document | Conversation]) -> Iterator[Row]:
        tokenizer = load_tokenizer(self.store, self.tokenizer)
        ends = [[tokenizer.token_id(token)] if token else [] for token in (self.begin, self.end)]
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH_ROWS)):
            for row, ids in zip(batch, self._encode(tokenizer, batch), strict=True):
                yield _tokens(row, (*ends[0], *ids, *ends[1]))

    def _encode(self, tokenizer: Tokenizer, batch: Sequence[Document | Conversation]) -> Iterator[list[int]]:
        texts = [text for row in batch for text in texts_of(row)]
        found = iter(tokenizer.encode_batch(texts))
        line_end: list[int] = []
        turn: tuple[int, int] | None = None
        for row in batch:
            if isinstance(row, Document):
                yield next(found)
                continue
            if turn is None:
                turn = tokenizer.token_id(self.turn_begin), tokenizer.token_id(self.turn_end)
                [line_end] = tokenizer.encode_batch(["\n"])
            ids: list[int] = []
            for _ in row.messages:
                ids += [turn[0], *next(found), turn[1], *line_end]
            yield ids


def tokenizer_digest(store: Store, manifest: Manifest) -> str:
    """Return the digest of the tokenizer that made a manifest of tokens. Raises BadSource unless there is just one."""
    steps = [step.describe for part in ancestry(store, manifest) for step in part.steps]
    found = {step["fields"]["tokenizer"] for step in steps if step.get("stage") == Tokenize.__name__}
    if len(found) != 1:
        raise BadSource(
            f"manifest {manifest.id[:16]} was made with {len(found)} tokenizers; a model is trained on one: "
            "tokenise all of it again with `Tokenize`"
        )
    return str(found.pop())


def texts_of(row: Row) -> list[str]:
    """Return the texts of a document, or of a conversation's messages with their roles. Raises BadRecipe."""
    if isinstance(row, Document):
        return [row.text]
    if isinstance(row, Conversation):
        return [f"{message.role}\n{message.content}" for message in row.messages]
    raise BadRecipe(f"Tokenize takes documents and conversations, not rows of kind {row.kind!r}")


@lru_cache(maxsize=4)
def _parsed(data: bytes) -> Tokenizer:
    return Tokenizer(data)


class _Json:
    file_name = "tokenizer.json"

    def __init__(self, data: bytes) -> None:
        try:
            known = "model" in json.loads(data)
        except ValueError as error:
            raise BadSource(f"no tokenizer: JSON that cannot be read ({error}); expected a tokenizer.json") from error
        if not known:
            raise BadSource("no tokenizer: JSON without a `model`; expected a file of the `tokenizers` library")
        self._made = tokenizers.Tokenizer.from_buffer(data)
        self._made.encode_special_tokens = True  # "<|end|>" in a crawled text is text
        self._made.no_truncation()
        self._made.no_padding()

    def transformers_class(self) -> str:
        return "PreTrainedTokenizerFast"

    def size(self) -> int:
        return int(self._made.get_vocab_size())

    def specials(self) -> tuple[str, ...]:
        added = sorted(self._made.get_added_tokens_decoder().items())
        return tuple(token.content for _, token in added if token.special)

    def token_id(self, token: str) -> int | None:
        return self._made.token_to_id(token)

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        return [found.ids for found in self._made.encode_batch_fast(texts, add_special_tokens=False)]

    def decode(self, ids: list[int]) -> str:
        return str(self._made.decode(ids, skip_special_tokens=False))


class _SentencePiece:
    file_name = "tokenizer.model"

    def __init__(self, data: bytes) -> None:
        if not data:
            raise BadSource("no tokenizer: the file is empty; expected tokenizer.json or a SentencePiece model")
        try:
            self._made = SentencePieceProcessor(model_proto=data)
        except RuntimeError as error:
            raise BadSource(
                f"no tokenizer: neither JSON nor a SentencePiece model ({error}); expected tokenizer.json or *.model"
            ) from error

    def transformers_class(self) -> str | None:
        model = ModelProto.FromString(self._made.serialized_model_proto())
        is_bpe = model.trainer_spec.model_type == model.trainer_spec.BPE
        return "LlamaTokenizer" if is_bpe else None

    def size(self) -> int:
        return int(self._made.get_piece_size())

    def specials(self) -> tuple[str, ...]:
        return tuple(self._made.id_to_piece(number) for number in range(self.size()) if self._made.is_control(number))

    def token_id(self, token: str) -> int | None:
        number = int(self._made.piece_to_id(token))  # that of the unknown token for what it does not have
        return number if self._made.id_to_piece(number) == token else None

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        return [list(ids) for ids in self._made.encode(texts)]

    def decode(self, ids: list[int]) -> str:
        return str(self._made.decode(ids))


def _tokens(row: Document | Conversation, ids: tuple[int, ...]) -> Tokens:
    return Tokens(
        id=derived_id((row.id,), "", 0, 0),
        parents=(row.id,),
        input_ids=ids,
        token_count=len(ids),
        source=row.source,
        url=row.url,
        date=row.date,
        language=row.language,
        language_score=row.language_score,
        licence=row.licence,
    )
