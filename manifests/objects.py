"""Immutable bytes below one URL, named by their SHA-256: `objects/aa/<digest>.parquet`, or with another suffix."""

import hashlib
import re
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from manifests.errors import Damaged, NotFound
from manifests.files import PIECE_BYTES, Files, open_files

GRACE_S = 24 * 3600.0  # nothing younger is collected: a running job may be about to name it
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Objects:
    """What a store knows by digest alone."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url = url
        self.options = options

    @cached_property
    def files(self) -> Files:
        """The bytes under the keys."""
        return open_files(self.url, **self.options)

    def put(self, data: bytes, suffix: str = ".parquet") -> str:
        """Store bytes and return their digest. What is there already is only made young again for `gc`."""
        return self._put(hashlib.sha256(data).hexdigest(), suffix, data)

    def put_file(self, path: Path, suffix: str) -> str:
        """Store a file of any size, a piece at a time, and return its digest."""
        return self._put(file_digest(path), suffix, path)

    def _put(self, digest: str, suffix: str, data: bytes | Path) -> str:
        key = object_key(digest, suffix)
        if not self.files.create(key, data) and self.files.age_s(key) > GRACE_S / 4:
            self.files.touch(key, data)
        return digest

    def get(self, digest: str, suffix: str = ".parquet") -> bytes:
        """Return the bytes of an object, verified against its digest. Raises NotFound, Damaged."""
        try:
            data = self.files.read(object_key(digest, suffix))
        except FileNotFoundError as error:
            raise self._missing(object_key(digest, suffix)) from error
        self._expect(digest, suffix, hashlib.sha256(data).hexdigest())
        return data

    def verify(self, digest: str, suffix: str) -> None:
        """Read an object of any size, a piece at a time. Raises NotFound, Damaged."""
        try:
            with self.files.stream(object_key(digest, suffix)) as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise self._missing(object_key(digest, suffix)) from error
        self._expect(digest, suffix, found)

    def fetch(self, digest: str, suffix: str, path: Path) -> None:
        """Let a new path hold an object, verified: as a link where that can be had, else as a copy.

        Raises NotFound, Damaged; then there is no such path.
        """
        key = object_key(digest, suffix)
        try:
            if not self.files.link(key, path):
                with self.files.stream(key) as source, path.open("xb") as target:
                    shutil.copyfileobj(source, target, PIECE_BYTES)
            self._expect(digest, suffix, file_digest(path))
        except FileNotFoundError as error:
            raise self._missing(key) from error
        except Damaged:
            path.unlink()
            raise

    def _missing(self, key: str) -> NotFound:
        return NotFound(
            f"{self.url}: object {key} is missing; `koba fsck` lists what needs it; making that again restores it"
        )

    def _expect(self, digest: str, suffix: str, found: str) -> None:
        if found != digest:
            key = object_key(digest, suffix)
            raise Damaged(
                f"{self.url}: {key} has the digest {found[:16]}..., its name says {digest[:16]}...: the file was "
                "changed or its disk is failing. Restore it from a copy, or delete it and make it again"
            )


def object_key(digest: str, suffix: str = ".parquet") -> str:
    """Return the key of an object. A digest that is none never becomes a path."""
    if not is_digest(digest):
        raise Damaged(f"{digest!r:.80} is no SHA-256 digest; the manifest that names it is damaged or hostile")
    return f"objects/{digest[:2]}/{digest}{suffix}"


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_digest(text: object) -> bool:
    """Tell whether a value is a SHA-256 digest in hex."""
    return isinstance(text, str) and bool(_DIGEST.fullmatch(text))
