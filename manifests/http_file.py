"""A file behind an http address: read from any offset, and read on where a connection breaks.

A file is asked for in one request. Where the answer is cut off, stalls or fails, the rest is asked for by a Range that
holds only for the same file (its ETag), so that no stream is ever put together from two versions. Each PIECE_BYTES
may take so many attempts and so many seconds, so that a server that drips cannot hold a worker for ever.
"""

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from manifests.errors import BadSource

PIECE_BYTES = 1 << 20
_TRANSIENT_STATUS = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(\d{1,18}|\*)")


class Gone(BadSource):
    """A file, or a part of it, that its server says it does not have or does not give. Asking again will not help."""


class _Interrupted(Exception):
    """An answer that failed in a way that may pass."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s  # what the server asked for


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try. Each piece of PIECE_BYTES has attempts of its own."""

    attempts: int = 6
    first_wait_s: float = 0.5  # then twice as long each time
    max_wait_s: float = 60.0  # also where a server asks for more
    silence_s: float = 60.0  # without a byte, or to connect
    piece_s: float = 300.0  # for one piece in one attempt: 3.5 kB/s


class Stamp(NamedTuple):
    """What a server says of a file without sending it."""

    size: int | None  # bytes
    etag: str  # strong ones only; empty where there is none
    modified: str  # as the server wrote it


class HttpFile(io.RawIOBase):
    """An http file as a seekable raw stream. Raises BadSource where all attempts fail, Gone where none can help."""

    def __init__(
        self, url: str, *, etag: str = "", start: int = 0, stop: int | None = None, patience: Patience | None = None
    ) -> None:
        super().__init__()
        self._url = url
        self._patience = patience or Patience()
        self._stop = stop
        self._stamp = Stamp(None, etag, "")
        self._held = bytearray()
        self._at = start  # offset of _held[0]
        self._response: httpx2.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def stamp(self) -> Stamp:
        """Return what the server says of the file."""
        if self._response is None:
            self._patiently(self._connect)
        return self._stamp

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            offset += self.stamp().size or 0
        if self._at <= offset <= self._at + len(self._held):
            del self._held[: offset - self._at]
        else:
            self._disconnect()
            self._held.clear()
        self._at = max(offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        if not self._held and len(target):
            self._patiently(self._receive)
        count = min(len(target), len(self._held))
        if self._stop is not None:  # a server that knows no ranges sends more
            count = min(count, max(self._stop - self._at, 0))
        target[:count] = self._held[:count]
        del self._held[:count]
        self._at += count
        return count

    def close(self) -> None:
        self._disconnect()
        super().close()

    def _patiently(self, attempt: Callable[[], None]) -> None:
        trying = Retrying(
            retry=retry_if_exception_type((_Interrupted, httpx2.TransportError)),
            stop=stop_after_attempt(self._patience.attempts),
            wait=self._wait_s,
            reraise=True,
        )
        try:
            trying(attempt)
        except (_Interrupted, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise BadSource(
                f"{self._url}: {error or type(error).__name__} at byte {self._next:,}, after "
                f"{self._patience.attempts} attempts; check the network and run the same command again"
            ) from error

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.wait_s if isinstance(error, _Interrupted) else 0.0
        growing_s = self._patience.first_wait_s * 2.0 ** (state.attempt_number - 1)
        return min(max(asked_s, growing_s), self._patience.max_wait_s)

    @property
    def _next(self) -> int:
        """Offset of the first byte that is not here yet."""
        return self._at + len(self._held)

    def _receive(self) -> None:
        """Hold a piece, or all that is left. What arrived before an attempt fails is kept for the next one."""
        begun = time.monotonic()
        try:
            while len(self._held) < PIECE_BYTES and not self._ended():
                if self._response is None:
                    self._connect()
                    continue
                chunk = next(self._chunks, b"")
                self._held += chunk
                if not chunk:
                    self._finish()
                    return
                if time.monotonic() - begun > self._patience.piece_s:
                    too_slow = f"fewer than {PIECE_BYTES:,} bytes arrived in {self._patience.piece_s:.0f} s"
                    raise _Interrupted(too_slow)  # noqa: TRY301 - as the errors of the connection, which end here too
        except (_Interrupted, httpx2.HTTPError):
            self._disconnect()
            raise

    def _ended(self) -> bool:
        ends = [end for end in (self._stop, self._stamp.size) if end is not None]
        return bool(ends) and self._next >= min(ends)

    def _finish(self) -> None:
        """Take the end of an answer: the end of the file, where it is not known to be longer."""
        if self._stamp.size is not None and not self._ended():
            raise _Interrupted(f"the answer ended before byte {self._stamp.size:,}")
        self._stamp = self._stamp._replace(size=self._next)

    def _connect(self) -> None:
        headers = {"Accept-Encoding": "identity"}  # what is stored is wanted, not what it decodes to
        if self._next or self._stop is not None:
            headers["Range"] = f"bytes={self._next}-{'' if self._stop is None else self._stop - 1}"
            if self._stamp.etag:
                headers["If-Range"] = self._stamp.etag
        request = _client().build_request(
            "GET", self._url, headers=headers, timeout=httpx2.Timeout(self._patience.silence_s)
        )
        self._response = response = _client().send(request, stream=True)
        self._chunks = response.iter_raw()
        try:
            self._accept(response)
        except (BadSource, _Interrupted, httpx2.HTTPError):
            self._disconnect()
            raise

    def _accept(self, response: httpx2.Response) -> None:
        """Take the head of an answer, and pass over what it repeats."""
        status = response.status_code
        if status in _TRANSIENT_STATUS:
            raise _Interrupted(f"HTTP {status}", _seconds(response.headers.get("retry-after", "")))
        if status not in {200, 206, 416}:
            refused = Gone if status in {404, 410} else BadSource
            raise refused(
                f"{self._url}: HTTP {status} {response.reason_phrase}; check the address, and who may read it"
            )
        covers = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        size = _whole(response, covers[2] if covers else "")
        self._compare(Stamp(size, _strong(response.headers.get("etag", "")), response.headers.get("last-modified", "")))
        if status == 416:
            if self._stamp.size is None or self._next > self._stamp.size:
                raise Gone(f"{self._url}: has no byte {self._next:,}; it has {self._stamp.size or 'fewer'}")
            self._chunks = iter(())
            return
        begins = 0 if status == 200 else int(covers[1]) if covers and covers[1] else -1
        if begins != self._next:
            self._pass_over(begins)

    def _compare(self, found: Stamp) -> None:
        known = self._stamp
        differs = (known.etag and found.etag and known.etag != found.etag) or (
            known.size is not None and found.size is not None and known.size != found.size
        )
        if differs:
            raise Gone(f"{self._url} changed while it was read: {known} became {found}; run the same command again")
        self._stamp = Stamp(*(old or new for old, new in zip(known, found, strict=True)))  # type: ignore[arg-type]

    def _pass_over(self, begins: int) -> None:
        """Read up to the byte that is wanted, of an answer that begins sooner: not every server knows ranges."""
        if not 0 <= begins < self._next:
            raise Gone(f"{self._url}: asked for byte {self._next:,}, and got byte {begins:,}; its server is broken")
        left = self._next - begins
        deadline = time.monotonic() + self._patience.piece_s
        for chunk in self._chunks:
            if len(chunk) > left:
                self._held += chunk[left:]
                return
            left -= len(chunk)
            if not left:
                return
            if time.monotonic() > deadline:
                break
        raise _Interrupted(f"an answer without ranges, which did not reach byte {self._next:,} in time")

    def _disconnect(self) -> None:
        response, self._response, self._chunks = self._response, None, iter(())
        if response is not None:
            response.close()


@cache
def _client() -> httpx2.Client:
    return httpx2.Client(follow_redirects=True, headers={"User-Agent": "koba"}, timeout=httpx2.Timeout(60.0))


def _whole(response: httpx2.Response, total: str) -> int | None:
    """Return the size of the whole file, as an answer tells it."""
    if response.status_code == 200:
        total = response.headers.get("content-length", "")
    return int(total) if total.isascii() and total.isdecimal() and len(total) < 19 else None


def _strong(etag: str) -> str:
    return "" if etag.startswith("W/") else etag


def _seconds(text: str) -> float:
    try:
        return max(float(text), 0.0)
    except ValueError:
        return 0.0
