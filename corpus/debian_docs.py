"""Japanese manuals and their English originals, from the documentation packages of Debian and its relatives.

    fetch_debian_docs(Path("debian-docs"))    # -> debian-docs/debian-docs.warc.gz

About 650 pages, many in pairs of the same name, nearly all with code. Which version a machine gets is apt's business,
so that two machines may make different rows. Needs apt, but neither root nor an installed package.

A page's address is where its project publishes it, or else the file: address at which its package would install it.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote

from corpus.archives import Member, bounded, tar_members
from corpus.warc_writer import Writer
from manifests.errors import BadSource

FILE = "debian-docs.warc.gz"
APT_OPTIONS = ("-q", "-o", "Acquire::Retries=3", "-o", "Acquire::http::Timeout=30")


@dataclass(frozen=True, slots=True)
class Manual:
    """Packages that hold one manual in both languages, and which of their files are its pages."""

    packages: tuple[str, ...]
    licence: str  # SPDX
    pages: tuple[str, ...]  # patterns of installed files; "*" also stands for "/"
    site: str = ""  # where the project publishes these pages under the same names
    site_root: str = ""  # the folder that the site stands for


MANUALS: tuple[Manual, ...] = (
    Manual(
        ("apache2-doc",),
        "Apache-2.0",
        ("usr/share/doc/apache2-doc/manual/ja/*.html", "usr/share/doc/apache2-doc/manual/en/*.html"),
        site="https://httpd.apache.org/docs/2.4/",
        site_root="usr/share/doc/apache2-doc/manual/",
    ),
    Manual(
        ("debian-reference-ja", "debian-reference-en"),
        "GPL-2.0-or-later",
        ("usr/share/debian-reference/*.html",),
        site="https://www.debian.org/doc/manuals/debian-reference/",
        site_root="usr/share/debian-reference/",
    ),
    Manual(
        ("debian-faq-ja",),
        "GPL-2.0-or-later",
        ("usr/share/doc/debian/FAQ/ja/*.html",),
        site="https://www.debian.org/doc/manuals/debian-faq/",
        site_root="usr/share/doc/debian/FAQ/ja/",
    ),
    Manual(
        ("debian-faq",),
        "GPL-2.0-or-later",
        ("usr/share/doc/debian/FAQ/*.en.html",),
        site="https://www.debian.org/doc/manuals/debian-faq/",
        site_root="usr/share/doc/debian/FAQ/",
    ),
    Manual(
        ("maint-guide-ja",),
        "GPL-2.0-or-later",
        ("usr/share/doc/maint-guide-ja/html/*.html",),
        site="https://www.debian.org/doc/manuals/maint-guide/",
        site_root="usr/share/doc/maint-guide-ja/html/",
    ),
    Manual(
        ("maint-guide",),
        "GPL-2.0-or-later",
        ("usr/share/doc/maint-guide/html/*.html",),
        site="https://www.debian.org/doc/manuals/maint-guide/",
        site_root="usr/share/doc/maint-guide/html/",
    ),
    Manual(
        ("debmake-doc",),
        "MIT",
        ("usr/share/doc/debmake-doc/html/*.ja.html", "usr/share/doc/debmake-doc/html/*.en.html"),
        site="https://www.debian.org/doc/manuals/debmake-doc/",
        site_root="usr/share/doc/debmake-doc/html/",
    ),
    Manual(
        ("developers-reference-ja", "developers-reference"),
        "GPL-2.0-or-later",
        ("usr/share/developers-reference/*.html",),
    ),
    Manual(
        ("aptitude-doc-ja", "aptitude-doc-en"),
        "GPL-2.0-or-later",
        ("usr/share/doc/aptitude/html/*.html",),
    ),
)


def fetch_debian_docs(folder: Path, *, manuals: tuple[Manual, ...] = MANUALS) -> Path:
    """Download the packages that apt knows and that are missing in `folder`, write their pages to one WARC file there.

    Returns its path. Raises BadSource where there is no apt, or where it knows or gets none of them.
    """
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if not shutil.which(tool):
            raise BadSource(f"{tool}: not found; these packages need Debian or a relative; elsewhere, use the sample")
    folder.mkdir(parents=True, exist_ok=True)
    _download([name for manual in manuals for name in manual.packages if not _archive(folder, name)], folder)
    found = [page for manual in manuals for page in _pages(manual, folder)]
    if not found:
        raise BadSource(f"{folder}: the packages there hold none of the pages that we know; delete it and run again")
    target = folder / FILE
    part = folder / f".{FILE}.{os.getpid()}.part"
    try:
        with part.open("wb") as stream:
            writer = Writer(stream, file=FILE, date=_date(max(member.modified for _, member in found)))
            for url, member in found:
                writer.write(url, member.data, date=_date(member.modified), content_type="text/html")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _download(names: Sequence[str], folder: Path) -> None:
    """Get those packages that apt knows: not every release has each of them."""
    if not names:
        return
    known = {line.split("|")[0].strip() for line in _run("apt-cache", "madison", *names).splitlines()}
    wanted = [name for name in names if name in known]
    if not wanted:
        if any(folder.glob("*.deb")):
            return
        raise BadSource("apt-cache: knows none of the documentation packages; run `apt-get update` as root first")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".apt-") as incoming:
        _run("apt-get", *APT_OPTIONS, "download", *wanted, cwd=incoming)
        for archive in Path(incoming).glob("*.deb"):
            archive.replace(folder / archive.name)


def _run(*command: str, cwd: str | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise BadSource(
            f"{' '.join(command[:1])}: failed: {done.stderr.strip()[-400:]}; check the network and run "
            "`apt-get update` as root, then run again"
        )
    return done.stdout


def _archive(folder: Path, name: str) -> Path | None:
    """Return the package's file; of several versions the one that came last."""
    return max(folder.glob(f"{name}_*.deb"), key=lambda path: path.stat().st_mtime_ns, default=None)


def _pages(manual: Manual, folder: Path) -> Iterator[tuple[str, Member]]:
    for archive in filter(None, (_archive(folder, name) for name in manual.packages)):
        for member in sorted(_members(manual, archive), key=lambda member: member.name):
            name = _installed(member.name)
            published = manual.site and manual.site + quote(name.removeprefix(manual.site_root))
            yield published or f"file:///{quote(name)}", member


def _members(manual: Manual, archive: Path) -> list[Member]:
    def wanted(name: str) -> bool:
        return any(fnmatchcase(_installed(name), pattern) for pattern in manual.pages)

    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tape:
                return list(bounded(tar_members(tape, wanted), archive.name))
        except tarfile.TarError as error:
            raise BadSource(f"{archive}: expected a Debian package, found: {error}; delete it and run again") from error


def _installed(name: str) -> str:
    return name.removeprefix("./")


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
