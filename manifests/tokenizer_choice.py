"""Which tokenizer a user means: a file, a model of the store, or a digest."""

from pathlib import Path

from manifests import artifact
from manifests.errors import BadSource, NotFound
from manifests.manifest import FILE_SUFFIX, TOKENIZER_SUFFIX
from manifests.model_folder import VOCABULARY, fits
from manifests.objects import is_digest, object_key
from manifests.store import Store
from manifests.tokens import Tokenizer


def chosen_tokenizer(store: Store, tokenizer: str) -> str:
    """Return the digest of a tokenizer that the user named: a file, a model of the store or a digest.

    It is stored as `Tokenizer.save` stores it. Raises NotFound, and BadSource where there is none that can be read.
    """
    if Path(tokenizer).is_file():
        return Tokenizer(Path(tokenizer).read_bytes()).save(store)
    if is_digest(tokenizer) and store.files.size(object_key(tokenizer, TOKENIZER_SUFFIX)) is not None:
        return tokenizer
    try:
        files = artifact.resolve(store, tokenizer).files
    except NotFound as error:
        raise NotFound(
            f"{tokenizer} is no tokenizer: expected a tokenizer.json, a SentencePiece model, the name of a model in "
            f"{store.url}, or the digest of a tokenizer there"
        ) from error
    for file in files:
        if fits(file.name, VOCABULARY[:2]):
            return Tokenizer(store.get(file.digest, FILE_SUFFIX)).save(store)
    raise BadSource(f"{tokenizer} has no tokenizer that can be read: expected tokenizer.json or a SentencePiece model")
