"""Pinned files from the package index that the user's own pip is set up for.

    fetch_archives((Archive("mako", "mako-1.3.6.tar.gz", sha256="9ec3...", size_bytes=390_206),), Path("sample"))

Files are found and downloaded, never built or installed: no code of a package runs. Index, mirrors, certificates,
trusted hosts and proxy are those of `pip config list` and of the environment.
"""

import ast
import hashlib
import logging
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import httpx2
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_exponential
from unearth import Link, PackageFinder
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import Fetcher, PyPIClient

from manifests.errors import BadSource

Progress: TypeAlias = Callable[[int, int], None]  # bytes that are here, bytes in all; called from several threads

PYPI = "https://pypi.org/simple"
WORKERS = 4  # files at a time
ATTEMPTS = 4
TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 16
SECTIONS = ("global", "install", "download", ":env:")  # of pip's configuration, the last one wins
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")  # as requests and OpenSSL read them


@dataclass(frozen=True, slots=True)
class Archive:
    """One file of a package, pinned."""

    package: str
    file: str
    sha256: str
    size_bytes: int


def fetch_archives(archives: Iterable[Archive], folder: Path, progress: Progress | None = None) -> None:
    """Download into `folder` what is not there yet, with its right hash.

    Raises BadSource where a file is not to be had, or is not what was pinned. What arrived whole is kept.
    """
    pinned = tuple(dict.fromkeys(archives))  # several members may be packed in one
    tally = _Tally(progress, pinned)
    missing = []
    for archive in pinned:
        if _is_here(archive, folder):
            tally.set(archive.file, archive.size_bytes)
        else:
            missing.append(archive)
    if not missing:
        return
    finder = _finder(pip_options())
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(lambda archive: _fetch(finder, archive, folder, tally), missing):
            pass


def pip_options() -> dict[str, str]:
    """Return pip's options by their long names, from its configuration files and the environment.

    Raises BadSource where pip itself cannot read its configuration.
    """
    if not find_spec("pip"):
        return {_option(name[4:]): value for name, value in os.environ.items() if name.startswith("PIP_")}
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    if listing.returncode:
        raise BadSource(f"pip config list: expected pip's configuration, found: {listing.stderr.strip():.400}")
    options: dict[str, str] = {}
    for section in SECTIONS:
        for line in listing.stdout.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.startswith(f"{section}."):
                options[_option(name[len(section) + 1 :])] = str(ast.literal_eval(value))
    return options


class _CutShort(Exception):
    """A download that ended before its size."""


class _Tally:
    """Bytes that are here, of each file."""

    def __init__(self, progress: Progress | None, archives: tuple[Archive, ...]) -> None:
        self._progress = progress
        self._total_bytes = sum(archive.size_bytes for archive in archives)
        self._here_bytes: dict[str, int] = {}
        self._lock = threading.Lock()

    def set(self, file: str, size_bytes: int) -> None:
        with self._lock:
            self._here_bytes[file] = size_bytes
            if self._progress:
                self._progress(sum(self._here_bytes.values()), self._total_bytes)


def _option(name: str) -> str:
    return name.lower().replace("_", "-")


def _is_here(archive: Archive, folder: Path) -> bool:
    path = folder / archive.file
    if not path.exists():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == archive.sha256


def _finder(options: dict[str, str]) -> PackageFinder:
    no_index = options.get("no-index", "").lower() in {"1", "true", "yes", "on"}
    indexes = [] if no_index else [options.get("index-url", PYPI), *options.get("extra-index-url", "").split()]
    # Like pip, pass over a folder that is not there.
    links = [link for link in options.get("find-links", "").split() if "://" in link or Path(link).exists()]
    client = PyPIClient(
        trusted_hosts=options.get("trusted-host", "").split(),
        verify=_trust(options),
        timeout=TIMEOUT_S,
        follow_redirects=True,
        proxy=options.get("proxy") or None,
        event_hooks={"response": [_refuse_failure]},
    )
    client.auth = MultiDomainBasicAuth(prompting=False, index_urls=indexes)
    # It warns of each index that does not have a package; we say so ourselves where none has it.
    logging.getLogger("unearth").setLevel(logging.ERROR)
    return PackageFinder(cast("Fetcher", client), index_urls=indexes, find_links=links, ignore_compatibility=True)


def _trust(options: dict[str, str]) -> ssl.SSLContext | bool:
    certificates = options.get("cert") or next(filter(None, map(os.environ.get, CERTIFICATES)), None)
    if not certificates:
        return True
    try:
        return ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise BadSource(
            f"{certificates}: expected certificates, as pip's `cert` or one of {', '.join(CERTIFICATES)} says; "
            f"found: {error}"
        ) from error


def _refuse_failure(response: httpx2.Response) -> None:
    """Raise on a server's failure, which the finder would take for a package that is not there."""
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS or response.is_server_error:
        response.raise_for_status()


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code == httpx2.codes.TOO_MANY_REQUESTS or error.response.is_server_error
    return isinstance(error, httpx2.TransportError | _CutShort)


def _fetch(finder: PackageFinder, archive: Archive, folder: Path, tally: _Tally) -> None:
    try:
        _attempt(finder, archive, folder, tally)
    except (httpx2.HTTPError, _CutShort) as error:
        raise BadSource(
            f"{archive.file}: could not be downloaded: {error}; check the network and `pip config list`, and run again"
        ) from error


@retry(
    retry=retry_if_exception(_is_transient),
    stop=stop_after_attempt(ATTEMPTS),
    wait=wait_exponential(multiplier=0.25, max=8),
    reraise=True,
)
def _attempt(finder: PackageFinder, archive: Archive, folder: Path, tally: _Tally) -> None:
    link = _find(finder, archive)
    part = folder / f".{archive.file}.{os.getpid()}.part"
    try:
        with part.open("wb") as stream:
            _download(finder, link, archive, stream, tally)
        part.replace(folder / archive.file)
    finally:
        part.unlink(missing_ok=True)


def _download(finder: PackageFinder, link: Link, archive: Archive, stream: BinaryIO, tally: _Tally) -> None:
    arrived_bytes, digest = 0, hashlib.sha256()
    with finder.session.get_stream(link.normalized) as response:
        response.raise_for_status()
        for chunk in response.iter_bytes(CHUNK_BYTES):
            arrived_bytes += len(chunk)
            if arrived_bytes > archive.size_bytes:
                break
            stream.write(chunk)
            digest.update(chunk)
            tally.set(archive.file, arrived_bytes)
    if arrived_bytes < archive.size_bytes:
        raise _CutShort(f"it ended after {arrived_bytes} of {archive.size_bytes} bytes")
    if arrived_bytes > archive.size_bytes or digest.hexdigest() != archive.sha256:
        found = "a longer file" if arrived_bytes > archive.size_bytes else f"sha256 {digest.hexdigest()}"
        raise BadSource(
            f"{link.redacted}: expected {archive.size_bytes} bytes with sha256 {archive.sha256}, found {found}; "
            "the index serves something else under this name: use another index"
        )


def _find(finder: PackageFinder, archive: Archive) -> Link:
    for found in finder.find_all_packages(archive.package, allow_yanked=True):
        if found.link.filename == archive.file:
            return found.link
    sources = ", ".join(Link(source["url"]).redacted for source in finder.sources)
    raise BadSource(
        f"{archive.file}: no package index has it (looked in {sources}); check `pip config list`, "
        "or add an index that mirrors all of PyPI"
    )
