"""How much one server is given at a time: as many requests at once as it answers well, and no faster than it allows.

The number at once grows by one with each round of answers and is halved when the server says that it is busy, as TCP
does with packets. One cut counts for all requests that were sent before it. A server that is told to rest, or fails,
gets no request until then.
"""

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition

LONGEST_WAIT_S = 60.0
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")


@dataclass(slots=True)
class Turn:
    """The leave to send one request."""

    epoch: int  # failures of the server that were counted before it


class Throttle:
    """Whether and when a server may be sent the next request. Shared by the threads that send them."""

    def __init__(
        self,
        most: int,
        wait_s: float,
        changed: Condition,
        *,
        requests_per_min: float | None = None,
        tokens_per_min: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the most requests at once, the shortest back-off, and what to notify when a turn comes free."""
        self.most, self.wait_s = most, wait_s
        self.at_once = float(most)  # starts high: the first cut finds what the server can take
        self.flying = 0
        self._changed, self._clock = changed, clock
        self._a_request_s = 60.0 / requests_per_min if requests_per_min else 0.0
        self._a_token_s = 60.0 / tokens_per_min if tokens_per_min else 0.0
        self._due = 0.0  # when its own limits allow the next request
        self._awake = 0.0  # until when it rests
        self._epoch = self._falls = 0

    @property
    def room(self) -> float:
        """How many more requests it can be sent at once; below one: none."""
        return self.at_once - self.flying

    def wait_left(self) -> float:
        """Return for how many seconds it may get nothing, whatever its room."""
        return max(self._awake, self._due) - self._clock()

    def take(self) -> Turn:
        """Take a turn; the caller holds the condition and has looked for room."""
        self.flying += 1
        self._due = max(self._due, self._clock()) + self._a_request_s
        return Turn(self._epoch)

    def answered(self, turn: Turn, tokens: int, headers: Mapping[str, str]) -> None:
        """Give a turn back after an answer that took so many tokens."""
        with self._changed:
            self.flying -= 1
            self._due = max(self._due, self._clock()) + tokens * self._a_token_s
            if turn.epoch == self._epoch:
                self._falls = 0
                self.at_once = min(float(self.most), self.at_once + 1 / self.at_once)
            self._rest(spent_for(headers, tokens))
            self._changed.notify_all()

    def failed(self, turn: Turn, rest_s: float | None) -> None:
        """Give a turn back after a failure of the server; `rest_s`: how long it asked to be left alone."""
        with self._changed:
            self.flying -= 1
            if turn.epoch == self._epoch:
                self._epoch += 1
                self.at_once = max(1.0, self.at_once / 2)
                longest = min(LONGEST_WAIT_S, self.wait_s * 2**self._falls)
                self._falls += 1
                self._rest(random.uniform(longest / 2, longest))
            self._rest(min(rest_s or 0.0, LONGEST_WAIT_S))
            self._changed.notify_all()

    def released(self) -> None:
        """Give a turn back after what was no fault of the server as a whole."""
        with self._changed:
            self.flying -= 1
            self._changed.notify_all()

    def _rest(self, seconds: float) -> None:
        self._awake = max(self._awake, self._clock() + seconds)


def spent_for(headers: Mapping[str, str], tokens: int) -> float:
    """Return for how many seconds a server's limits are spent, by its headers; 0 where something is left.

    `x-ratelimit-remaining-{requests,tokens}` and `x-ratelimit-reset-{requests,tokens}` ("20ms", "6m0s", "1.5"). Tokens
    are taken to be spent where fewer are left than the last request took.
    """
    waits = [0.0]
    for name, needed in (("requests", 1), ("tokens", max(1, tokens))):
        left = headers.get(f"x-ratelimit-remaining-{name}", "")
        if left.isascii() and left.isdigit() and len(left) < 19 and int(left) < needed:
            waits.append(seconds_of(headers.get(f"x-ratelimit-reset-{name}", "")) or 0.0)
    return min(LONGEST_WAIT_S, max(waits))


def seconds_of(text: str) -> float | None:
    """Return a duration of a header, "1m30s" or plain seconds, in seconds; None where it is none.

    >>> seconds_of("1m0.5s"), seconds_of("20ms"), seconds_of("7"), seconds_of("soon")
    (60.5, 0.02, 7.0, None)
    """
    text = text.strip()
    if text.replace(".", "", 1).isdigit() and text.isascii() and len(text) < 19:
        return float(text)
    found = _DURATION.fullmatch(text) if text and len(text) < 40 else None
    if found is None:
        return None
    hours, minutes, seconds, thousandths = [float(part or 0) for part in found.groups()]
    return hours * 3_600 + minutes * 60 + seconds + thousandths / 1_000
