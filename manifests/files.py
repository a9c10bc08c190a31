"""Bytes under keys, on a local disk or on any fsspec file system.

All else stands on one promise: `create` writes a key as a whole or not at all, and never over one that exists.
"""

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Protocol

import fsspec

from manifests.errors import StoreFailed

PIECE_BYTES = 1 << 20
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}")
_WRITABLE = 0o222
_PROBE = re.compile(r"runs/probe-[0-9a-f]{16}")


class Files(Protocol):
    """What a store needs of the place where it lives. Keys are relative, with forward slashes."""

    def read(self, key: str) -> bytes:
        """Return the bytes under a key; raises FileNotFoundError."""
        ...

    def stream(self, key: str) -> BufferedIOBase:
        """Open a key for reading, a piece at a time; raises FileNotFoundError."""
        ...

    def link(self, key: str, path: Path) -> bool:
        """Let a new path be the very file under a key, without a copy; return False where that cannot be had."""
        ...

    def create(self, key: str, data: bytes | Path) -> bool:
        """Write a key that does not exist yet, atomically and durably; return False where it exists already.

        The bytes of a path are copied a piece at a time, and on a local disk the copy is read-only.
        """
        ...

    def overwrite(self, key: str, data: bytes) -> None:
        """Write a key whether it exists or not, atomically and durably."""
        ...

    def size(self, key: str) -> int | None:
        """Return the size in bytes, or None where there is no such key."""
        ...

    def age_s(self, key: str) -> float:
        """Return the seconds since the key was last written; raises FileNotFoundError."""
        ...

    def touch(self, key: str, data: bytes | Path) -> None:
        """Make an existing key, known to hold `data`, as young as if it were written now."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key below a folder, sorted."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key; no error where it is gone already."""
        ...

    def leftovers(self) -> Iterator[str]:
        """Yield temporary files of writers that were killed, or that are at work right now; `keys` hides them."""
        ...


class LocalFiles:
    """Files on a local disk. A key appears by a hard link, so no reader ever sees half of it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def stream(self, key: str) -> BufferedIOBase:
        return (self.root / key).open("rb")

    def link(self, key: str, path: Path) -> bool:
        source = self.root / key
        if source.stat().st_mode & _WRITABLE:  # who writes to the link would write to the store
            return False
        try:
            os.link(source, path)
        except FileExistsError:
            raise
        except OSError:
            return False
        return True

    def create(self, key: str, data: bytes | Path) -> bool:
        path = self.root / key
        if path.exists():
            return False
        temporary = self._write_temporary(path, data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise self._failed(path, error) from error
        finally:
            temporary.unlink()
        sync(path.parent)
        return True

    def overwrite(self, key: str, data: bytes) -> None:
        path = self.root / key
        temporary = self._write_temporary(path, data)
        temporary.replace(path)
        sync(path.parent)

    def size(self, key: str) -> int | None:
        try:
            return (self.root / key).stat().st_size
        except FileNotFoundError:
            return None

    def age_s(self, key: str) -> float:
        return time.time() - (self.root / key).stat().st_mtime

    def touch(self, key: str, data: bytes | Path) -> None:  # noqa: ARG002 - other places have to write the bytes again
        os.utime(self.root / key)

    def keys(self, prefix: str) -> Iterator[str]:
        folder = self.root / prefix
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def delete(self, key: str) -> None:
        (self.root / key).unlink(missing_ok=True)

    def leftovers(self) -> Iterator[str]:
        for path in sorted(self.root.rglob(".*")):
            if _TEMPORARY.fullmatch(path.name) and path.is_file():
                yield path.relative_to(self.root).as_posix()

    def _write_temporary(self, path: Path, data: bytes | Path) -> Path:
        temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                if isinstance(data, Path):
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, file, PIECE_BYTES)
                    os.fchmod(file.fileno(), 0o444)
                else:
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            temporary.unlink(missing_ok=True) if path.parent.is_dir() else None
            raise self._failed(path, error) from error
        return temporary

    def _failed(self, path: Path, error: OSError) -> StoreFailed:
        remedy = (
            "free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} else "check its permissions"
        )
        return StoreFailed(
            f"cannot write {path}: {error.strerror}; {remedy} and run the same command again: nothing is lost"
        )


def sync(path: Path) -> None:
    """Make sure that a file, or what a folder lists, is on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class RemoteFiles:
    """Files on any fsspec file system whose `pipe_file(mode="create")` is an atomic put-if-absent, S3 for one."""

    def __init__(self, url: str, **options: Any) -> None:
        self.fs, self.root = fsspec.core.url_to_fs(url, **options)
        self.root = self.root.rstrip("/")
        self._trusted = False

    def read(self, key: str) -> bytes:
        data: bytes = self.fs.cat_file(self._path(key))
        return data

    def stream(self, key: str) -> BufferedIOBase:
        opened: BufferedIOBase = self.fs.open(self._path(key), "rb", cache_type="readahead", block_size=8 * PIECE_BYTES)
        return opened

    def link(self, key: str, path: Path) -> bool:  # noqa: ARG002 - nothing here is a file of this machine
        return False

    def create(self, key: str, data: bytes | Path) -> bool:
        if not self._trusted:
            self._probe()
        return self._create(key, data)

    def overwrite(self, key: str, data: bytes | Path) -> None:
        path = self._path(key)
        try:
            self._make_parent(path)
            self._write(path, data)
        except OSError as error:
            raise StoreFailed(
                f"cannot write {path}: {error}; check its permissions and run the same command again"
            ) from error

    def size(self, key: str) -> int | None:
        self.fs.invalidate_cache()
        try:
            return int(self.fs.info(self._path(key))["size"])
        except FileNotFoundError:
            return None

    def age_s(self, key: str) -> float:
        return time.time() - float(self.fs.modified(self._path(key)).timestamp())

    def touch(self, key: str, data: bytes | Path) -> None:
        self.overwrite(key, data)

    def keys(self, prefix: str) -> Iterator[str]:
        self.fs.invalidate_cache()
        start = len(self.root) + 1
        for path in sorted(self.fs.find(self._path(prefix))):
            yield path[start:]

    def delete(self, key: str) -> None:
        try:
            self.fs.rm_file(self._path(key))
        except FileNotFoundError:
            return

    def leftovers(self) -> Iterator[str]:
        """Yield probes of writers that were killed: the only keys that are written to be removed again."""
        for key in self.keys("runs"):
            if _PROBE.fullmatch(key):
                yield key

    def _path(self, key: str) -> str:
        return f"{self.root}/{key}"

    def _make_parent(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if "memory" in self.fs.protocol:  # object stores have no folders to make
            self.fs.makedirs(parent, exist_ok=True)

    def _write(self, path: str, data: bytes | Path, **mode: str) -> None:
        if isinstance(data, Path):
            self.fs.put_file(str(data), path, **mode)
        else:
            self.fs.pipe_file(path, data, **mode)

    def _create(self, key: str, data: bytes | Path) -> bool:
        path = self._path(key)
        try:
            self._make_parent(path)
            self._write(path, data, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if "PreconditionFailed" in str(error) or "pre-conditions" in str(error):
                return False
            raise StoreFailed(
                f"cannot write {path}: {error}; check its permissions and run the same command again"
            ) from error
        return True

    def _probe(self) -> None:
        """Write one key twice: where the second write succeeds, two writers could overwrite each other unseen."""
        key = f"runs/probe-{secrets.token_hex(8)}"
        first, second = self._create(key, b"first"), self._create(key, b"second")
        kept = self.read(key)
        self.delete(key)
        if not first or second or kept != b"first":
            raise StoreFailed(
                f"{self.fs.unstrip_protocol(self.root)} ignores put-if-absent: a second write replaced the first; "
                "two writers on one ref would lose versions. Use one with conditional writes (S3, GCS, a local disk)"
            )
        self._trusted = True


def open_files(url: str, **options: Any) -> Files:
    """Open a folder, a `file://` URL or any fsspec URL."""
    if "://" in url and not url.startswith("file://"):
        return RemoteFiles(url, **options)
    return LocalFiles(Path(url.removeprefix("file://")).expanduser().absolute())
