"""Opening what a user names: files of this machine, http addresses, and every other URL that fsspec knows.

with open_location("https://data.commoncrawl.org/crawl-data/...warc.gz") as stream: ...
"""

import io
from typing import BinaryIO, cast

import fsspec
import httpx2

from manifests.errors import BadSource
from manifests.http_file import Gone, HttpFile, Stamp

UNREACHABLE = (OSError, ValueError, ImportError, httpx2.HTTPError)  # the last from fsspec's file system for hf://
_BUFFER_BYTES = 1 << 18


def open_location(location: str, *, etag: str = "", start: int = 0, stop: int | None = None) -> BinaryIO:
    """Open a path or URL for reading, at `start`; of an http address, no byte from `stop` on is asked for.

    Raises BadSource, and Gone where there is no such file. Reading raises Gone where an http file has another `etag`.
    """
    if is_http(location):
        file = HttpFile(location, etag=etag, start=start, stop=stop)
        file.stamp()
        return cast("BinaryIO", io.BufferedReader(file, _BUFFER_BYTES))
    try:
        stream: BinaryIO = fsspec.open(location, "rb").open()
    except FileNotFoundError as error:
        raise Gone(f"cannot open {location}: {error}") from error
    except UNREACHABLE as error:
        raise BadSource(f"cannot open {location}: {error}") from error
    if start:
        stream.seek(start)
    return stream


def read_at_most(location: str, max_bytes: int) -> bytes:
    """Return a whole file. Raises BadSource where it cannot be read or has more than `max_bytes`."""
    with open_location(location) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise BadSource(f"{location}: expected at most {max_bytes:,} bytes, found more; is this the right file?")
    return data


def stamp_of(location: str) -> Stamp:
    """Return what can be known of a file without reading it. Raises BadSource."""
    if is_http(location):
        with HttpFile(location, stop=1) as file:
            return file.stamp()
    try:
        fs, path = fsspec.core.url_to_fs(location)
        info = fs.info(path)
    except UNREACHABLE as error:
        raise BadSource(f"cannot open {location}: {error}") from error
    modified = " ".join(str(info[name]) for name in ("mtime", "LastModified", "ino") if name in info)
    return Stamp(info.get("size"), str(info.get("ETag", "")), modified)


def is_http(location: str) -> bool:
    """Tell whether a location is an http or https address."""
    return location.startswith(("http://", "https://"))
