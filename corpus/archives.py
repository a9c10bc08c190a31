"""Members of tar and zip archives, read in memory: nothing is ever written under a name that an archive chose."""

import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from manifests.errors import BadSource

MAX_MEMBER_BYTES = 10 << 20  # what a page may have (corpus.warc_pages)
MAX_ARCHIVE_BYTES = 1 << 28  # of wanted members together, uncompressed


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str  # as in the archive, "/" between folders
    data: bytes
    modified: int  # seconds since 1970, UTC; 0 where the archive keeps local time


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yield the regular files of an archive whose name is `wanted`, in the archive's order.

    Raises BadSource where the archive cannot be read or holds more than we take.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from bounded(_zip_members(archive, wanted), path.name)
        else:
            with tarfile.open(path) as tape:
                yield from bounded(tar_members(tape, wanted), path.name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BadSource(f"{path}: expected a tar or zip archive, found: {error}") from error


def tar_members(tape: tarfile.TarFile, wanted: Callable[[str], bool]) -> Iterator[Member]:
    """Yield the wanted regular files of an open tar archive, which may be a stream."""
    for entry in tape:
        if entry.isreg() and is_plain(entry.name) and wanted(entry.name):
            stream = tape.extractfile(entry)
            if stream:
                yield Member(entry.name, stream.read(MAX_MEMBER_BYTES + 1), int(entry.mtime))


def bounded(found: Iterable[Member], archive: str) -> Iterator[Member]:
    """Pass members on; raise BadSource where one, or all of them together, have more bytes than we take."""
    held_bytes = 0
    for member in found:
        held_bytes += len(member.data)
        if len(member.data) > MAX_MEMBER_BYTES or held_bytes > MAX_ARCHIVE_BYTES:
            raise BadSource(
                f"{archive}: {member.name!r:.120} goes beyond the {MAX_MEMBER_BYTES} bytes that a page may have, "
                f"or the {MAX_ARCHIVE_BYTES} that an archive's pages may have together"
            )
        yield member


def is_plain(name: str) -> bool:
    """Tell whether a member's name is a relative path without steps upwards, backslashes or control characters."""
    return name.isprintable() and "\\" not in name and not name.startswith("/") and ".." not in name.split("/")


def _zip_members(archive: zipfile.ZipFile, wanted: Callable[[str], bool]) -> Iterator[Member]:
    for entry in archive.infolist():
        if not entry.is_dir() and is_plain(entry.filename) and wanted(entry.filename):
            with archive.open(entry) as stream:
                yield Member(entry.filename, stream.read(MAX_MEMBER_BYTES + 1), 0)
