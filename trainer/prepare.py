"""What a model reads, made from what the user named: datasets of texts become datasets of tokens.

    data = tokenised(store, {"web-sample": 3, "paraphrase-easy": 1})
    train(store, data.weights, Config(vocabulary=data.vocabulary), Settings(steps=300), Path("runs/small"))

Each is named `tokens/<its name>`, so that its versions are compared and kept like any other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from manifests import canonical
from manifests.errors import BadRecipe, BadSource
from manifests.manifest import TOKENIZER_SUFFIX, Manifest
from manifests.objects import object_key
from manifests.run import run
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.tokenizer_choice import chosen_tokenizer
from manifests.tokens import SPECIALS, Tokenize, load_tokenizer, texts_of, tokenizer_digest, train_tokenizer
from manifests.view import View
from manifests.watcher import Watcher

TEXTS = ("document", "conversation")
BEGINS = (SPECIALS[0], "<|begin_of_text|>", "<s>", "<|endoftext|>")  # tokens before a text, by whom has them
ENDS = (SPECIALS[1], "<|end_of_text|>", "</s>", "<|endoftext|>")
LEARNED_CHARS = 100_000_000  # that a tokenizer is trained on: a minute, and more text changes few of its tokens


@dataclass(frozen=True, slots=True)
class Prepared:
    """Datasets of tokens, all of one tokenizer."""

    weights: Mapping[str, float]  # by manifest id: how `open_mix` takes them
    tokens: int  # in all of them
    vocabulary: int  # of the tokenizer
    tokenizer: str  # its digest


def tokenised(
    store: Store,
    data: Mapping[str, float | None],
    *,
    tokenizer: str | None = None,
    vocabulary: int = 8_192,
    map: Map = map,
    watcher: Watcher | None = None,
) -> Prepared:
    """Return the datasets of tokens for datasets by name or id; those of texts are tokenised, or found as they were.

    A weight of None is the number of its tokens, so that all are read at the same pace. `tokenizer` is a file, a model
    of the store or a digest; without one it is that of the datasets of tokens among them, or one trained on the texts.
    Raises BadSource, BadRecipe, NotFound.
    """
    found = {name: store.manifest(name) for name in data}
    _check_kinds(found)
    digest = chosen_tokenizer(store, tokenizer) if tokenizer else _shared(store, found.values())
    digest = digest or learned_tokenizer(store, list(found.values()), vocabulary)
    made = {name: _tokens(store, name, manifest, digest, map, watcher) for name, manifest in found.items()}
    weights = {manifest.id: _weight(data[name], manifest) for name, manifest in made.items()}
    if len(weights) < len(data):
        raise BadRecipe(f"two of {', '.join(data)} are the same dataset; name it once")
    tokens = sum(manifest.tokens for manifest in made.values())
    return Prepared(weights, tokens, load_tokenizer(store, digest).size, digest)


def learned_tokenizer(store: Store, manifests: Iterable[Manifest], vocabulary: int) -> str:
    """Return the digest of the tokenizer that is trained on datasets of texts; trained once for the same texts."""
    manifests = sorted(manifests, key=lambda manifest: manifest.content)
    key = canonical.digest(
        {
            "tokenizer": vocabulary,
            "specials": SPECIALS,
            "chars": LEARNED_CHARS,
            "library": version("tokenizers"),
            "texts": [[entry.content for entry in manifest.entries] for manifest in manifests],
        }
    )
    if record := store.action(key):
        digest = str(record["result"]["tokenizer"])
        if store.files.size(object_key(digest, TOKENIZER_SUFFIX)) is not None:
            return digest
    whole = max(1, sum(manifest.chars for manifest in manifests))
    share = min(1.0, LEARNED_CHARS / whole)
    texts = (text for manifest in manifests for text in _first(store, manifest, share * manifest.chars))
    digest = train_tokenizer(texts, vocabulary).save(store)
    needs = [entry.shard for manifest in manifests for entry in manifest.entries]
    store.put_action(key, {"tokenizer": digest}, makes=[], needs=needs)
    return digest


def _first(store: Store, manifest: Manifest, chars: float) -> Iterator[str]:
    for row in View(store, manifest):
        if chars <= 0:
            return
        for text in texts_of(row):
            chars -= len(text)
            yield text


def _check_kinds(found: Mapping[str, Manifest]) -> None:
    if not found:
        raise BadRecipe("there is nothing to train on: name at least one dataset")
    for name, manifest in found.items():
        if manifest.kind not in {*TEXTS, "tokens"}:
            raise BadSource(
                f"{name} holds rows of kind {manifest.kind!r}; a model is trained on documents, conversations or tokens"
            )
        if not manifest.rows:
            raise BadSource(f"{name} holds no rows at all; `koba show {name}` says what its recipe dropped")


def _shared(store: Store, manifests: Iterable[Manifest]) -> str | None:
    digests = {tokenizer_digest(store, manifest) for manifest in manifests if manifest.kind == "tokens"}
    if len(digests) > 1:
        shown = ", ".join(digest[:16] for digest in sorted(digests))
        raise BadRecipe(f"the datasets of tokens have different tokenizers ({shown}); a model is trained on one")
    return next(iter(digests), None)


def _tokens(store: Store, name: str, manifest: Manifest, tokenizer: str, map: Map, watcher: Watcher | None) -> Manifest:
    if manifest.kind == "tokens":
        if tokenizer_digest(store, manifest) != tokenizer:
            raise BadRecipe(f"{name} was made with another tokenizer than {tokenizer[:16]}; name its texts instead")
        return manifest
    made = load_tokenizer(store, tokenizer)
    begin, end = (next((token for token in tokens if token in made.specials), None) for tokens in (BEGINS, ENDS))
    recipe = Recipe("tokens", (Tokenize(tokenizer, store, begin=begin, end=end),))
    tag = f"tokens/{name.partition('@')[0]}"
    return run(recipe, name, store=store, map=map, tag=tag, watcher=watcher).manifest


def _weight(given: float | None, manifest: Manifest) -> float:
    return float(manifest.tokens) if given is None else given
