"""Waiting in tests: for a condition, never for a duration; and time that is counted, not measured."""

import time
from collections.abc import Callable

LIMIT_S = 300.0  # on a machine with much else to do; a condition that holds is seen at once
ATTEMPTS = 5  # at a measurement that others on the machine may spoil


def until(holds: Callable[[], object], pause_s: float = 0.01) -> None:
    """Wait until `holds()` is true. Raises TimeoutError where it never is."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            where = holds.__code__ if hasattr(holds, "__code__") else holds
            raise TimeoutError(f"not so within {LIMIT_S:.0f} s: {where}")
        time.sleep(pause_s)


def in_proportion(work: Callable[[int], object], size: int) -> bool:
    """Tell whether work on a size five times as large costs a few times as much; by the square it is 25 times."""

    def seconds(times: int) -> float:
        start = time.thread_time()
        work(times)
        return time.thread_time() - start

    return any(seconds(5 * size) < 20 * seconds(size) + 0.2 for _ in range(ATTEMPTS))


class Hurrying:
    """A module `time` whose clock goes on by so many seconds at each look."""

    def __init__(self, step_s: float) -> None:
        self.step_s, self.now = step_s, 0.0

    def monotonic(self) -> float:
        self.now += self.step_s
        return self.now
