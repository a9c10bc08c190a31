"""Waiting in tests: for a condition, never for a duration."""

import time
from collections.abc import Callable

LIMIT_S = 300.0  # on a machine with much else to do; a condition that holds is seen at once


def until(holds: Callable[[], object], pause_s: float = 0.01) -> None:
    """Wait until `holds()` is true. Raises TimeoutError where it never is."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"not so within {LIMIT_S:.0f} s: {holds.__qualname__}, line {holds.__code__.co_firstlineno}"
            )
        time.sleep(pause_s)
