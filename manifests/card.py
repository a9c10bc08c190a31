"""The card of a dataset, as Hugging Face reads it: YAML for machines, then Markdown for people.

Whatever comes from the data, a file's name or a licence, stands in code spans, where Markdown and HTML mean nothing.
"""

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pyarrow as pa
import yaml  # type: ignore[import-untyped]

from manifests.funnel import StepStat, funnel
from manifests.lineage import ancestry, step_title
from manifests.manifest import Manifest, SourceRecord
from manifests.store import Store
from manifests.terminal import safe
from manifests.wording import count

SHOWN_SOURCES = 20
_REASONS = 5  # of a step
_CELLS = 120  # that a text from the data may take
_LITERAL_CELLS = 400
_COMMAND_CELLS = 500
_LANGUAGE = re.compile("[a-z]{2,3}")
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_COLUMNS = {
    "id": "stable id of the row; the same row has the same id in every version",
    "text": "the document",
    "messages": "the turns of the conversation",
    "prompt": "the turns before the two replies",
    "chosen": "the better reply",
    "rejected": "the worse reply",
    "input_ids": "the tokens",
    "url": "where it was found",
    "date": "when it was found, as the source wrote it",
    "language": "ISO 639-1 code",
    "language_score": "how sure the classifier was of the language",
    "token_count": "tokens, where they were counted",
    "source": "what gave the row",
    "licence": "SPDX identifier, where one is known",
    "origin": "file, offset, length and digest of the record that it was read from",
    "parents": "ids of the rows that it was made from",
    "call": "key of the model call that wrote it",
    "scores": "scores of classifiers",
    "labels": "other facts, as text",
    "hash": "hash of the payload, language, url, licence and parents",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What one file of an export holds."""

    file: str  # relative to the export
    rows: int
    size: int  # bytes of the file
    memory: int  # bytes as an Arrow table
    languages: Mapping[str, int]
    sources: Mapping[str, int]


def dataset_card(store: Store, manifest: Manifest, name: str, schema: pa.Schema, written: Sequence[Written]) -> str:
    """Return the README.md of an export: `name` is that of the dataset, `schema` that of the files in data/."""
    languages = _total([one.languages for one in written])
    return "\n".join(
        [
            "---",
            yaml.safe_dump(_front(manifest, name, schema, written, languages), sort_keys=False, allow_unicode=True),
            "---",
            f"# {_plain(name)}",
            "",
            _summary(manifest, written, languages),
            "",
            *_steps(funnel(store, manifest)),
            *_sources(store, manifest, _total([one.sources for one in written])),
            *_licences(manifest),
            *_columns(schema),
            *_identity(store, manifest, name),
        ]
    ).replace("\n\n---\n", "\n---\n", 1)


def features(schema: pa.Schema) -> list[dict[str, Any]]:
    """Return the columns as the `features` of a card name them."""
    return [{"name": field.name} | _feature(field.type) for field in schema]


def code(text: str, cells: int = _CELLS) -> str:
    """Return a text of any origin as a code span that is safe in a table too."""
    shown = safe(text, cells).replace("`", "'").replace("|", r"\|").strip()
    return f"`{shown}`" if shown else "(empty)"


def _front(
    manifest: Manifest, name: str, schema: pa.Schema, written: Sequence[Written], languages: Mapping[str, int]
) -> dict[str, Any]:
    memory = sum(one.memory for one in written)
    split = {"name": "train", "num_bytes": memory, "num_examples": manifest.rows}
    return {
        "pretty_name": name,
        "language": [one for one in languages if _LANGUAGE.fullmatch(one)] or ["und"],
        "license": _license_ids(manifest),
        "size_categories": [_size_category(manifest.rows)],
        "tags": ["koba", manifest.kind],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}],
        "dataset_info": {
            "features": features(schema),
            "splits": [split],
            "download_size": sum(one.size for one in written),
            "dataset_size": memory,
        },
    }


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": features(kind)}
    if pa.types.is_list(kind):
        return {"list": features(kind.value_type) if pa.types.is_struct(kind.value_type) else _dtype(kind.value_type)}
    return {"dtype": _dtype(kind)}


def _dtype(kind: pa.DataType) -> str:
    return {"float": "float32", "double": "float64"}.get(str(kind), str(kind))


def _license_ids(manifest: Manifest) -> list[str]:
    found = {name.lower() if _LICENCE.fullmatch(name) else "other" for name in manifest.licences}
    return sorted(found | ({"unknown"} if sum(manifest.licences.values()) < manifest.rows or not found else set()))


def _size_category(rows: int) -> str:
    bounds = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    place = max(0, len(str(rows)) - 3)
    if place == 0:
        return "n<1K"
    return f"{bounds[place - 1]}<n<{bounds[place]}" if place < len(bounds) else "n>1T"


def _summary(manifest: Manifest, written: Sequence[Written], languages: Mapping[str, int]) -> str:
    parts = [f"{count(manifest.rows, 'row')} of kind {manifest.kind} in {count(len(written), 'Parquet file')}"]
    parts += [count(manifest.chars, "character")] * bool(manifest.chars)
    parts += [count(manifest.tokens, "token")] * bool(manifest.tokens)
    shares = [f"{code(name)} {rows / max(1, manifest.rows):.0%}" for name, rows in list(languages.items())[:_REASONS]]
    parts += [f"languages: {', '.join(shares)}"] * bool(shares)
    return (
        f"{'; '.join(parts)}. Made with koba: each row has its id, and its origin, parents and licence as far as known."
    )


def _steps(steps: Sequence[StepStat]) -> list[str]:
    lines = ["## How it was made", "", "| step | rows in | kept | dropped | altered | made | most common reasons |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    literals = []
    for step in steps:
        common = sorted(step.reasons.items(), key=lambda item: (-item[1], item[0]))[:_REASONS]
        reasons = ", ".join(f"{code(reason)} {rows:,}" for reason, rows in common)
        title = code(step_title(step.describe) or step.stage)
        counts = " | ".join(f"{n:,}" for n in (step.rows_in, step.kept, step.dropped, step.altered, step.derived))
        lines.append(f"| {title} | {counts} | {reasons} |")
        fields = step.describe.get("fields")
        if fields:
            literals.append(f"- {title}: {code(json.dumps(fields, ensure_ascii=False), _LITERAL_CELLS)}")
    return [*lines, "", *(["Literals of the steps:", "", *literals, ""] if literals else [])]


def _sources(store: Store, manifest: Manifest, names: Mapping[str, int]) -> list[str]:
    files: dict[str, SourceRecord] = {}
    for one in ancestry(store, manifest):
        files |= {record.file: record for record in one.sources}
    lines = [
        "## Sources",
        "",
        *[f"- {code(name)}: {rows:,} rows" for name, rows in list(names.items())[:SHOWN_SOURCES]],
    ]
    if files:
        lines += ["", f"Read from {count(len(files), 'file')}, {sum(one.size for one in files.values()):,} bytes:", ""]
        shown = [files[name] for name in sorted(files)[:SHOWN_SOURCES]]
        lines += [f"- {code(one.file)} (sha256 {one.digest[:16]}…)" for one in shown]
        lines += [f"- and {len(files) - len(shown):,} more"] * (len(files) > len(shown))
    return [*lines, ""]


def _licences(manifest: Manifest) -> list[str]:
    unknown = manifest.rows - sum(manifest.licences.values())
    lines = [f"- {code(name)}: {rows:,} rows" for name, rows in sorted(manifest.licences.items())]
    lines += [f"- not known: {unknown:,} rows"] * (unknown > 0)
    return ["## Licences", "", *lines, "", "The column `licence` has that of each row.", ""]


def _columns(schema: pa.Schema) -> list[str]:
    lines = [f"| {code(field.name)} | {code(str(field.type))} | {_COLUMNS.get(field.name, '')} |" for field in schema]
    return ["## Columns", "", "| name | type | what it is |", "| --- | --- | --- |", *lines, ""]


def _identity(store: Store, manifest: Manifest, name: str) -> list[str]:
    made = _command(store, manifest)
    return [
        "## To make it again",
        "",
        f"Manifest `{manifest.id}`; content `{manifest.content}`, which is equal wherever the same rows are made.",
        "",
        *([f"    {made}"] if made else []),
        f"    koba export {_plain(name)} FOLDER --format hf",
        "",
    ]


def _command(store: Store, manifest: Manifest) -> str:
    """Return the command that made the manifest, without where the store and the files were on that machine."""
    given: list[str] = next((run["command"] for run in store.runs() if run.get("manifest") == manifest.id), [])
    name = PurePath(given[0]).name if given else ""
    if name != "koba" and not name.endswith(".py"):
        return ""
    words, left = [name], iter(given[1:])
    for word in left:
        if word == "--store":
            next(left, None)
        elif not word.startswith("--store="):
            words.append(PurePath(word).name if PurePath(word).is_absolute() else word)
    return safe(shlex.join(words), _COMMAND_CELLS)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._/@-]", "", name)


def _total(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return sums, the largest first."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
