"""Code with its licence: files of packages as documents, from wheels, source distributions, and folders.

    CodeFiles.find(["click-8.1.8.tar.gz", ".venv/lib/python3.11/site-packages/rich-*.dist-info", "our-project"])

An installed package is named by its `.dist-info` folder, whose RECORD lists its files. Labels: `programming_language`
(by the file's suffix), `package` and `path`. The licence is that which the file states (SPDX-License-Identifier), else
that of the package's metadata where it can be read as SPDX without guessing, else the one that the user states.
Refused:

source_code/no_licence  nobody says under which licence the file is
source_code/vendored    the file lies in a folder for code of other packages, whose licence is not that of this one
source_code/not_utf8    bytes that are no UTF-8
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Self

from corpus.archives import MAX_MEMBER_BYTES, Member, bounded, is_plain, members
from corpus.package_licence import file_licence, package_licence
from filters.code_sets import LABEL
from manifests import canonical
from manifests.errors import BadSource
from manifests.manifest import SourceRecord
from manifests.rows import Document, Origin, Row, row_id
from manifests.stage import Rejected
from manifests.store import Store

READER_VERSION = 1  # raised by hand when the same files give other documents
SOURCE = "source_code"
SUFFIXES = {
    ".py": "python",
    ".cpp": "cpp",
    ".cc": "cpp",
    ".hpp": "cpp",
    ".java": "java",
    ".ts": "typescript",
    ".sh": "bash",
    ".cs": "csharp",
    ".rs": "rust",
    ".php": "php",
    ".swift": "swift",
    ".c": "c",
    ".h": "c",
    ".js": "javascript",
    ".go": "go",
    ".rb": "ruby",
    ".kt": "kotlin",
    ".sql": "sql",
}
_METADATA = ("METADATA", "PKG-INFO")
_INSTALLED = ".dist-info"
_OTHERS = {"_vendor", "vendor", "vendored", "_vendored", "third_party", "thirdparty", "extern", "node_modules"}


@dataclass(frozen=True)
class Package:
    """One package: an archive, an installed one, or a folder."""

    location: str
    digest: str  # of the archive's bytes, or of names and bytes of the files
    size: int
    licence: str | None = None  # what the user states for files of which nobody else says anything

    @property
    def file(self) -> str:
        """A name for messages and origins."""
        return Path(self.location).name

    @property
    def key(self) -> dict[str, str | int | None]:
        """Its bytes, the reader and the stated licence decide what it yields."""
        return {"code": self.digest, "name": self.file, "reader": READER_VERSION, "licence": self.licence}

    def rows(self) -> Iterator[Row | Rejected]:
        """Yield its files of code, in the order of their names, and a reject for each that is refused."""
        found = sorted(files_of(Path(self.location)), key=lambda member: member.name)
        stated = package_licence(_metadata(found)) or self.licence
        name = self.file.removesuffix(".tar.gz").removesuffix(_INSTALLED)
        for member in found:
            if language_of(member.name):
                yield self._document(member, name, stated)

    def _document(self, member: Member, name: str, stated: str | None) -> Document | Rejected:
        doc = Document(
            id=row_id("document", SOURCE, f"{name}/{member.name}"),
            source=SOURCE,
            origin=Origin(self.file, 0, len(member.data), f"sha256:{hashlib.sha256(member.data).hexdigest()}"),
            labels={LABEL: language_of(member.name) or "", "package": name, "path": member.name},
        )
        try:
            text = member.data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return Rejected(doc, "source_code/not_utf8")
        licence = file_licence(text)
        doc = doc.replace(text=text, licence=licence or stated)
        if not licence and _OTHERS & set(PurePosixPath(member.name).parts):
            return Rejected(doc, "source_code/vendored")
        return doc if doc.licence else Rejected(doc, "source_code/no_licence")


@dataclass
class CodeFiles:
    """Packages as one source of documents."""

    given: tuple[str, ...]
    licence: str | None = None
    _found: list[Package] = field(default_factory=list)

    @classmethod
    def find(cls, paths: Sequence[str], licence: str | None = None) -> Self:
        """Take what a user typed: archives, folders, or globs of either."""
        return cls(tuple(paths), licence)

    def units(self, store: Store) -> list[Package]:  # noqa: ARG002 - what a source is asked for
        """Return the packages in the order of their names. Raises BadSource where there is none, or two of a name."""
        paths = {path for given in self.given for path in _expanded(given)}
        self._found = sorted([self._package(path) for path in paths], key=lambda unit: unit.file)
        names = [unit.file for unit in self._found]
        for first, second in pairwise(names):
            if first == second:
                raise BadSource(f"two packages are both named {first}; rename one: rows name the file they come from")
        return self._found

    def records(self) -> tuple[SourceRecord, ...]:
        """Return name, digest and size of each package."""
        return tuple(SourceRecord(unit.file, unit.digest, unit.size) for unit in self._found)

    def locations(self) -> dict[str, str]:
        """Return where each was found on this machine."""
        return {unit.file: str(Path(unit.location).absolute()) for unit in self._found}

    def _package(self, path: Path) -> Package:
        if path.is_file():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return Package(str(path), digest, path.stat().st_size, self.licence)
        found = sorted(files_of(path), key=lambda member: member.name)
        digests: list[Any] = [[member.name, canonical.sha256(member.data)] for member in found]
        return Package(str(path), canonical.digest(digests), sum(len(member.data) for member in found), self.licence)


def files_of(path: Path) -> Iterable[Member]:
    """Yield the files of a package that are code or say what it is. Raises BadSource where they cannot be read."""
    if path.is_file():
        return members(path, _wanted)
    try:
        return list(
            bounded(_read(path.parent, _installed(path)) if path.suffix == _INSTALLED else _read(path), str(path))
        )
    except OSError as error:
        raise BadSource(f"{path}: expected a folder of code, found: {error}") from error


def language_of(name: str) -> str | None:
    """Return the programming language of a file by its suffix, or None where it is none that we know."""
    return SUFFIXES.get(PurePosixPath(name).suffix.lower())


def _wanted(name: str) -> bool:
    return language_of(name) is not None or PurePosixPath(name).name in _METADATA


def _installed(folder: Path) -> list[str]:
    """Return the files of an installed package that its RECORD lists, where they lie below its own folder."""
    table = csv.reader(io.StringIO((folder / "RECORD").read_text(encoding="utf-8")))
    return [line[0] for line in table if line and is_plain(line[0])]


def _read(root: Path, names: Iterable[str] | None = None) -> Iterator[Member]:
    if names is None:
        names = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*"))]
    for name in names:
        path = root / name
        if _wanted(name) and path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                yield Member(name, stream.read(MAX_MEMBER_BYTES + 1), 0)


def _metadata(found: Iterable[Member]) -> bytes:
    """Return the metadata that is nearest to the top of a package."""
    named = [member for member in found if PurePosixPath(member.name).name in _METADATA]
    return min(named, key=lambda member: member.name.count("/")).data if named else b""


def _expanded(given: str) -> list[Path]:
    path = Path(given)
    found = [path] if path.exists() else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    if not found:
        raise BadSource(f"no package matches {given}; give wheels, source archives, .dist-info folders, or folders")
    return found
