"""Models, tokenizers and checkpoints: a folder of files as a manifest of kind `model`.

    manifest = store_model(store, Path("SmolLM2-135M-Instruct"), licence="Apache-2.0")
    store.tag("models/smollm2", manifest.id)
    AutoModelForCausalLM.from_pretrained(checkout(store, resolve(store, "models/smollm2")))

Weights are safetensors, ONNX or fastText: a pickle runs code when it is read, and is refused. What is neither weights,
JSON, a tokenizer nor a chat template (a readme, say) stays behind. A manifest's `content` is taken over its files'
names and digests; `artifact.weights` is taken over config.json too: the same numbers otherwise configured are another
model.
"""

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from manifests import canonical
from manifests.errors import BadRecipe, BadSource, NotFound
from manifests.manifest import FILE_SUFFIX, Artifact, FileRecord, Manifest, SourceRecord
from manifests.model_folder import CONFIG, FASTTEXT, ONNX, TOKENIZER, VOCABULARY, WEIGHTS, ModelFolder, fits, visible
from manifests.objects import file_digest
from manifests.store import Store

KIND = "model"
REFS = "models"  # the folder of their names
SCHEMA = canonical.digest({"kind": KIND, "version": 1})

_verified: set[tuple[str, str]] = set()  # folder and content that this process has read once and found sound


def store_model(
    store: Store,
    folder: Path,
    *,
    licence: str,
    source: SourceRecord | str | None = None,
    parents: Sequence[str] = (),
) -> Manifest:
    """Store the files of a model's folder and return the manifest. Equal folders give equal manifests.

    `source` is the file that the folder was made from, or the address of the folder itself; `parents` are the datasets
    that it was trained on. Raises BadSource unless the folder holds a sound model or tokenizer.
    """
    found = ModelFolder(folder)
    found.check()
    if not licence.strip():
        raise BadRecipe(f"{folder}: a model needs a licence, which every row that it writes carries; say which it is")
    files = []
    for name, path in found.files.items():
        try:
            files.append(FileRecord(name, store.put_file(path, FILE_SUFFIX), path.stat().st_size))
        except ValueError as error:
            raise BadSource(
                f"{path}: a model's file cannot have this name; use letters, digits, '.', '_' and '-'"
            ) from error
    content = _digest_of(files)
    weights, tokenizer = _digests(files)
    if isinstance(source, str):
        source = SourceRecord(source, content, sum(file.size for file in files))
    manifest = Manifest(
        kind=KIND,
        schema=SCHEMA,
        entries=(),
        index=(),
        content=content,
        rows=0,
        parents=tuple(sorted(parents)),
        sources=(source,) if source else (),
        artifact=Artifact(
            files=tuple(sorted(files, key=lambda file: file.name)),
            licence=licence.strip(),
            weights=weights,
            tokenizer=tokenizer,
            chat_template=found.template(),
        ),
    )
    store.put_manifest(manifest)
    return manifest


def resolve(store: Store, ref: str) -> Manifest:
    """Return the manifest of a model by its ref or id. Raises NotFound, and BadRecipe where it is a dataset's."""
    try:
        manifest = store.manifest(ref)
    except NotFound as error:
        known = sorted({one.name for one in store.refs(REFS)})
        if ref.partition("@")[0] in known:
            raise
        raise NotFound(
            f"{store.url}: there is no model {ref!r} (there are: {', '.join(known) or 'none yet'}); "
            f"add it with `koba models add {ref.removeprefix(f'{REFS}/')}`"
        ) from error
    if manifest.artifact is None:
        raise BadRecipe(
            f"{store.url}: {ref} is a dataset of kind {manifest.kind}; expected a model: `koba models` lists them"
        )
    return manifest


def checkout(store: Store, manifest: Manifest, folder: Path | None = None) -> Path:
    """Return a folder with the files of a model, each verified once by this process; what is there is not made again.

    Without `folder` it is one of the user's cache. On the store's own disk the files are links to the store's, and
    read-only. Raises NotFound and Damaged, and BadSource where the folder holds other files.
    """
    content = _digest_of(manifest.files)  # never what the manifest says it is
    folder = (folder or cache_folder() / content).absolute()
    key = (str(folder), content)
    if key in _verified and all(_size(folder / file.name) == file.size for file in manifest.files):
        return folder
    _refuse_others(folder, manifest.files)
    for file in manifest.files:
        path = folder / file.name
        if _size(path) != file.size or file_digest(path) != file.digest:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(store, file, path)
    _verified.add(key)
    return folder


def flaws_of(manifest: Manifest) -> list[str]:
    """Return what an artifact's manifest says wrongly of its own files, one sentence each."""
    artifact = manifest.artifact
    if artifact is None:
        return []
    weights, tokenizer = _digests(artifact.files)
    claims = {
        "content": (manifest.content, _digest_of(artifact.files)),
        "weights": (artifact.weights, weights),
        "tokenizer": (artifact.tokenizer, tokenizer),
    }
    return [f"its {name} digest is not that of its files" for name, (said, true) in claims.items() if said != true]


def cache_folder() -> Path:
    """Return where models are checked out for this user: they can be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "koba" / REFS


def _replace(store: Store, file: FileRecord, path: Path) -> None:
    part = path.parent / f".{path.name}.{secrets.token_hex(8)}"
    try:
        store.fetch(file.digest, FILE_SUFFIX, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _refuse_others(folder: Path, files: Sequence[FileRecord]) -> None:
    names = {file.name for file in files}
    for name in visible(folder):
        if name not in names:
            raise BadSource(
                f"{folder}: {name!r} is no file of this model, and would be read with it; choose an empty folder"
            )


def _fitting(files: Iterable[FileRecord], patterns: Iterable[str]) -> list[FileRecord]:
    return [file for file in files if fits(file.name, patterns)]


def _digests(files: Sequence[FileRecord]) -> tuple[str | None, str | None]:
    """Return the digests of the weights and of the tokenizer, None for what there is none of."""
    kinds = [kind for kind in (WEIGHTS, ONNX, FASTTEXT) if _fitting(files, (kind,))][:1]
    weights = _digest_of(_fitting(files, (*kinds, CONFIG))) if kinds else None
    return weights, _digest_of(_fitting(files, TOKENIZER)) if _fitting(files, VOCABULARY) else None


def _digest_of(files: Iterable[FileRecord]) -> str:
    return canonical.digest([[file.name, file.digest] for file in sorted(files, key=lambda file: file.name)])


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
