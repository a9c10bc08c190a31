"""Calls that may hang, crash or eat the memory, made in a helper process that may be lost.

    >>> Bounded(len, timeout_s=1.0, memory_bytes=1 << 30)("three")
    5

What is fed to an HTML parser was written by strangers, and no signal, thread or `except` stops a loop in C. One helper
for each function lives as long as its parent and answers one call after another; a call costs some 100 microseconds.
The helper watches itself: the kernel ends it when its time or memory is spent, so the parent needs no clock and no
signals of its own, and nothing outlives a killed parent by more than the time of one call.

A call that crashes or runs out of memory in a helper that has served before is tried once more in a new one: what
earlier calls left behind must not decide what becomes of a page.
"""

import atexit
import logging
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from manifests.errors import BadRecipe

R = TypeVar("R")

_LENGTH = struct.Struct("!Q")
_LIMITS = struct.Struct("!dQ")  # CPU seconds, bytes; sent before the arguments, which count as well
_OUT_OF_MEMORY = 77  # exit status; any that Python and the shell do not use
_PATIENCE = 4  # seconds on the wall for one of CPU: a crowded machine is slow, not stuck
_GRACE_S = 5.0  # after which a helper that did not end itself is killed
_START_S = 120.0  # for imports: a cold network disk is slow


class Unfinished(Exception):
    """A call that gave no result. Which of the three it was is the class; the text says what was seen."""


class Timeout(Unfinished):
    """The call used up its time."""


class OutOfMemory(Unfinished):
    """The call asked for more memory than it may have."""


class Crashed(Unfinished):
    """The call raised, or the process died under it."""


@dataclass(frozen=True, slots=True)
class Bounded(Generic[R]):
    """A function that is called in a helper process, within limits.

    The function, its arguments and its result are pickled; the function by its name, so it must be at the top of an
    importable module. Importing that module is not part of any call's time or memory.

    Calling raises Timeout, OutOfMemory or Crashed, after which the next call works again, and BadRecipe where the
    helper cannot load the function. Threads of one process take turns. Linux only.
    """

    function: Callable[..., R]
    timeout_s: float  # CPU seconds; four times as many on the clock
    memory_bytes: int  # address space that calls may add to what the helper has once it is prepared
    prepare: Callable[[], object] = bool  # called once in a new helper, outside all limits: heavy imports

    def __call__(self, *args: Any) -> R:
        request = pickle.dumps(args, pickle.HIGHEST_PROTOCOL)
        with _lock:
            helper = _helper(self.function, self.prepare)
            try:
                reply = helper.ask(request, self.timeout_s, self.memory_bytes)
            except (Crashed, OutOfMemory):
                if not helper.served:
                    raise
                reply = _helper(self.function, self.prepare).ask(request, self.timeout_s, self.memory_bytes)
        return cast("R", pickle.loads(reply))  # noqa: S301 (our own helper wrote it)


class _Helper:
    """The parent's end of one helper process."""

    def __init__(self, function: Callable[..., Any], prepare: Callable[[], object]) -> None:
        self.owner = os.getpid()
        self.served = 0
        self.function = function
        try:
            work = pickle.dumps((prepare, function))
        except (pickle.PicklingError, AttributeError) as error:
            raise BadRecipe(f"no helper can find {function!r}: {error}; put it at the top of a module") from error
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the helper)
        self.socket, child = socket.socketpair()
        path = [str(Path(entry).absolute()) for entry in sys.path]
        with child:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "manifests.bounded", str(child.fileno())],
                pass_fds=[child.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
            )
        try:
            self.socket.settimeout(_START_S)
            _send(self.socket, work)
            _receive(self.socket)
        except (EOFError, OSError) as error:
            why = self._end()
            self.close()
            raise BadRecipe(f"a helper process cannot load {function!r}: {why}; is its module importable?") from error

    def ask(self, request: bytes, timeout_s: float, memory_bytes: int) -> bytearray:
        """Return the reply to one request. Raises Timeout, OutOfMemory or Crashed; the helper is then at its end."""
        answered = False
        try:
            self.socket.settimeout(timeout_s * _PATIENCE + _GRACE_S)
            _send(self.socket, request, _LIMITS.pack(timeout_s, memory_bytes))
            reply = _receive(self.socket)
            answered = True
        except TimeoutError as error:
            raise Timeout(f"no answer after {timeout_s * _PATIENCE + _GRACE_S:g} s on the clock") from error
        except (EOFError, OSError) as error:
            raise self._outcome(timeout_s) from error
        finally:
            if not answered:  # also on a KeyboardInterrupt: half a reply would be read as the next one
                self.close()
        self.served += 1
        return reply

    def close(self) -> None:
        """End the process. A copy that a fork made of this object leaves it alone."""
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        self.socket.close()
        self.errors.close()
        if _helpers.get(self.function) is self:
            del _helpers[self.function]

    def _outcome(self, timeout_s: float) -> Unfinished:
        why = self._end()
        status = self.process.returncode
        if status in (-signal.SIGPROF, -signal.SIGALRM):
            return Timeout(f"more than {timeout_s:g} s of CPU time, or {timeout_s * _PATIENCE:g} s on the clock")
        return OutOfMemory(why) if status == _OUT_OF_MEMORY else Crashed(why)

    def _end(self) -> str:
        """Return the last words of a helper that has hung up, or how it ended."""
        try:
            self.process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.seek(max(0, self.errors.seek(0, os.SEEK_END) - 4096))
        words = self.errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        return words or f"exit status {self.process.returncode}"


_lock = threading.Lock()
_helpers: dict[Callable[..., Any], _Helper] = {}


def _helper(function: Callable[..., Any], prepare: Callable[[], object]) -> _Helper:
    helper = _helpers.get(function)
    if helper is None or helper.owner != os.getpid() or helper.process.poll() is not None:
        if helper is not None:
            helper.close()
        helper = _helpers[function] = _Helper(function, prepare)
    return helper


@atexit.register
def _close_all() -> None:
    for helper in list(_helpers.values()):
        helper.close()


def _send(end: socket.socket, message: bytes, head: bytes = b"") -> None:
    end.sendall(head + _LENGTH.pack(len(message)))
    end.sendall(message)


def _receive(end: socket.socket) -> bytearray:
    (length,) = _LENGTH.unpack(_read(end, _LENGTH.size))
    return _read(end, length)


def _read(end: socket.socket, length: int) -> bytearray:
    message = bytearray(length)
    view = memoryview(message)
    while view:
        count = end.recv_into(view)
        if not count:
            raise EOFError("the other end hung up")
        view = view[count:]
    return message


def _serve(end: socket.socket) -> None:
    """Answer calls until the parent hangs up. This is the helper's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)  # the default ends the process, also inside C
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM, signal.SIGPROF])
    logging.disable(logging.CRITICAL)  # nobody reads a helper's log
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prepare, function = pickle.loads(_receive(end))  # noqa: S301 (from our parent)
    prepare()
    prepared_bytes = _address_space()
    _send(end, b"")
    while True:
        try:
            timeout_s, memory_bytes = _LIMITS.unpack(_read(end, _LIMITS.size))
        except (EOFError, ConnectionResetError):
            return
        _limit_memory(prepared_bytes + memory_bytes)
        args = pickle.loads(_receive(end))  # noqa: S301
        signal.setitimer(signal.ITIMER_PROF, timeout_s)
        signal.setitimer(signal.ITIMER_REAL, timeout_s * _PATIENCE)
        reply = pickle.dumps(function(*args), pickle.HIGHEST_PROTOCOL)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _send(end, reply)
        del args, reply


def _limit_memory(size_bytes: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    soft = size_bytes if most == resource.RLIM_INFINITY else min(size_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (soft, most))


def _address_space() -> int:
    with Path("/proc/self/statm").open("rb") as pages:
        return int(pages.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    try:
        _serve(socket.socket(fileno=int(sys.argv[1])))
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # at once: there may be no memory left to end in order
