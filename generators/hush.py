"""Libraries that talk while they work: what they say is kept back, and shown only where they fail."""

import logging
import os
import sys
import tempfile
from collections import deque
from types import TracebackType
from typing import Self

SHOWN_LINES = 40
HEARD_LINES = 20


class Heard(logging.Handler):
    """The last warnings of a library's logger, kept to be shown where it fails."""

    def __init__(self, name: str) -> None:
        super().__init__(logging.WARNING)
        self._lines: deque[str] = deque(maxlen=HEARD_LINES)
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append(f"{record.levelname}: {record.getMessage()}")

    def tell(self) -> None:
        """Write what was heard to stderr."""
        while self._lines:
            sys.stderr.write(f"{self._lines.popleft()}\n")


class Hush:
    """A context in which nothing reaches stdout and stderr of this process, whoever writes, C++ included.

    Where it is left by an error, the last lines go to stderr after all, those of a logger too.
    """

    def __init__(self, heard: Heard | None = None) -> None:
        self._heard = heard

    def __enter__(self) -> Self:
        _flush()
        self._kept = tempfile.TemporaryFile()
        self._ends = [(number, os.dup(number)) for number in (1, 2)]
        for number, _ in self._ends:
            os.dup2(self._kept.fileno(), number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _flush()
        for number, end in self._ends:
            os.dup2(end, number)
            os.close(end)
        with self._kept:
            if error is not None:
                self._kept.seek(0)
                said = self._kept.read().decode(errors="replace").splitlines()
                sys.stderr.write("".join([f"{line}\n" for line in said[-SHOWN_LINES:]]))
                if self._heard:
                    self._heard.tell()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
