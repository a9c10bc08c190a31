"""Other people's data in, ours out, in one line each.

    import_files(["downloads/wiki/*.jsonl.zst"], store=store, tag="wiki")
    export(store, "web-sample", "out/", layout="hf")

An export is written under another name and renamed when it is whole.
"""

import json
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from manifests.card import Written, dataset_card
from manifests.datafiles import DataFiles
from manifests.errors import BadRecipe, BadSource, StoreFailed
from manifests.files import sync
from manifests.readable import Form, form_of, names_in
from manifests.rows import STORED_KINDS
from manifests.run import Run, run
from manifests.stage import Map, Recipe
from manifests.store import Store
from manifests.view import Slice, View
from manifests.watcher import Silent, Watcher

LAYOUTS = ("hf", "jsonl", "parquet", "trl")
LINES = ("jsonl", "trl")
MARK = ".koba-export.json"  # in every export: what it is of, and which files are ours to replace


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    folder: Path
    manifest: str
    rows: int
    files: tuple[str, ...]  # relative to the folder
    size: int  # bytes of all files


def import_files(
    paths: Sequence[str],
    *,
    store: Store,
    tag: str,
    source: str | None = None,
    kind: str | None = None,
    text: str = "text",
    drop: Sequence[str] = (),
    map: Map = map,
    limit: int | None = None,
    watcher: Watcher | None = None,
) -> Run:
    """Make a dataset of JSON Lines and Parquet files: .jsonl, .jsonl.gz, .jsonl.zst, .parquet, or folders of them.

    `source` (default: the tag) goes into the ids of rows that do not name theirs; `kind` is found from the columns;
    `text` is the column of a document's text; `drop` are columns to leave out, all others become labels.
    Raises BadSource where a file cannot be opened or no column tells what the rows are.
    """
    told = watcher or Silent()
    files = DataFiles.find(paths, source=source or tag, kind=kind, text=text, drop=tuple(drop))
    files.units(store)
    for note in files.notes:
        told.say(note)
    done = run(Recipe("import", ()), files, store=store, map=map, tag=tag, limit=limit, watcher=told)
    step = done.manifest.steps[0]
    if step.dropped:
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in step.reasons.items())
        told.say(f"{step.dropped:,} of {step.rows_in:,} records were refused: {reasons}")
    return done


def export(
    store: Store, name: str, folder: str | Path, *, layout: str = "hf", overwrite: bool = False, map: Map = map
) -> Exported:
    """Write a dataset to a folder, one file for each shard: "hf" (Parquet with a card), "jsonl", "parquet" or "trl".

    The last one is JSON Lines of id and turns alone, for TRL's trainers, to which a column `labels` means tokens.
    A folder that an earlier export wrote, and nobody added to, is replaced; any other only with `overwrite`.
    Raises BadSource, BadRecipe, StoreFailed; then the folder is as it was.
    """
    manifest = store.manifest(name)
    if layout not in LAYOUTS:
        raise BadRecipe(f"{layout!r} is no layout of an export; expected {', '.join(LAYOUTS)}")
    if manifest.kind not in STORED_KINDS:
        raise BadSource(f"{name} is a {manifest.kind}; only datasets of rows can be exported")
    target = Path(folder).expanduser().absolute()
    _check_replaceable(target, overwrite, store)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(8)}"
    try:
        (temporary / ("data" if layout == "hf" else "")).mkdir(parents=True)
        parts = [part for part in View(store, manifest).slices if part.entry.rows]
        lines = layout in LINES
        form = Form(manifest.kind, {}, layout == "trl") if lines else form_of(manifest.kind, list(map(_names, parts)))
        suffix = "jsonl" if lines else "parquet"
        inside = "data/" if layout == "hf" else ""
        files = [f"{inside}train-{n:05}-of-{len(parts):05}.{suffix}" for n in range(len(parts))]
        written = list(map(_Write(temporary, form), zip(files, parts, strict=True)))
        if not parts and not lines:
            written = [_write_empty(temporary, form, f"{inside}train-00000-of-00001.parquet")]
        if layout == "hf":
            card = dataset_card(store, manifest, name, form.schema, written)
            (temporary / "README.md").write_text(card, encoding="utf-8")
        made = _finish(temporary, manifest.id, layout)
        _replace(target, temporary)
    except OSError as error:
        raise StoreFailed(f"cannot write {target}: {error}; free some space or check its permissions") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Exported(target, manifest.id, manifest.rows, tuple(made), sum(made.values()))


def _names(part: Slice) -> dict[str, list[str]]:
    return names_in(part.table(["scores", "labels"]))


@dataclass(frozen=True)
class _Write:
    """Writes one slice as one file."""

    folder: Path
    form: Form

    def __call__(self, item: tuple[str, Slice]) -> Written:
        file, part = item
        rows = part.table()
        path = self.folder / file
        memory = 0
        if path.suffix == ".jsonl":
            path.write_bytes(self.form.lines(rows))
        else:
            table = self.form.table(rows)
            memory = table.nbytes
            pq.write_table(table, path, compression="zstd")
        sync(path)
        counts = [dict(_counted(rows[name].value_counts().to_pylist())) for name in ("language", "source")]
        return Written(file, len(rows), path.stat().st_size, memory, *counts)


def _counted(pairs: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(pair["values"], pair["counts"]) for pair in pairs if pair["values"]]


def _write_empty(folder: Path, form: Form, file: str) -> Written:
    pq.write_table(form.schema.empty_table(), folder / file)
    return Written(file, 0, (folder / file).stat().st_size, 0, {}, {})


def _finish(folder: Path, manifest: str, layout: str) -> dict[str, int]:
    """Write the mark that names the files of an export, and return their sizes."""
    made = {path.relative_to(folder).as_posix(): path.stat().st_size for path in _files(folder)}
    mark = folder / MARK
    mark.write_text(json.dumps({"manifest": manifest, "layout": layout, "files": made}, indent=1), encoding="utf-8")
    for path in _files(folder):
        sync(path)
    return made


def _check_replaceable(target: Path, overwrite: bool, store: Store) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    kept = [
        Path.cwd(),
        Path(store.url.removeprefix("file://")).expanduser().absolute(),
    ]  # of a remote store, no path at all
    for path in kept:
        if target == path or target in path.parents:
            raise BadSource(f"{target} holds {path}, which an export must not replace; give another folder")
    if not overwrite and not _is_ours(target):
        raise BadSource(f"{target} exists and is not just an earlier export; give another folder, or --overwrite it")


def _is_ours(folder: Path) -> bool:
    """Tell whether a folder holds an export and nothing else."""
    try:
        files = json.loads((folder / MARK).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    present = {path.relative_to(folder).as_posix(): path.stat().st_size for path in _files(folder)}
    return present.pop(MARK, None) is not None and present == files


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir())


def _replace(target: Path, temporary: Path) -> None:
    old = target.parent / f".{target.name}.{secrets.token_hex(8)}"
    if target.exists():
        target.rename(old)
    try:
        temporary.rename(target)
    except OSError:
        old.rename(target)
        raise
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)
