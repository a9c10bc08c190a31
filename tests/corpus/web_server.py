"""A web server on this machine that holds files, and answers as badly as it is told to."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from manifests.canonical import sha256


@dataclass
class Shelf:
    """What the server holds, what it does wrong, and what it was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etags: bool = True
    faults: list[str] = field(default_factory=list)  # of the next answers: "503", "cut 10", "drip", "stall 10", "ok"
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, Range
    on_request: Callable[[str], None] = lambda _path: None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    shelf: Shelf


class _Answer(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        shelf = self.server.shelf
        path, asked = self.path.lstrip("/"), self.headers.get("Range", "")
        shelf.asked.append((path, asked))
        shelf.on_request(path)
        fault = shelf.faults.pop(0) if shelf.faults else "ok"
        if fault.isdecimal():
            self._head(int(fault), 0, {"Retry-After": "0"})
        elif path not in shelf.files:
            self._head(404, 0, {})
        else:
            self._file(shelf.files[path], asked, fault)

    def _file(self, data: bytes, asked: str, fault: str) -> None:
        shelf = self.server.shelf
        etag = f'"{sha256(data)[:16]}"'
        fields = {"ETag": etag} if shelf.etags else {}
        status, body = 200, data
        if shelf.ranges and asked and self.headers.get("If-Range", etag) == etag:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            begin, end = int(first), min(int(last or len(data)), len(data) - 1)
            if begin >= len(data):
                self._head(416, 0, {"Content-Range": f"bytes */{len(data)}"})
                return
            status, body = 206, data[begin : end + 1]
            fields["Content-Range"] = f"bytes {begin}-{end}/{len(data)}"
        self._head(status, len(body), fields)
        if fault.startswith("cut"):
            self.wfile.write(body[: int(fault.split()[1])])
            return
        if fault.startswith("stall"):
            self.wfile.write(body[: int(fault.split()[1])])
            self.connection.recv(1)  # until the other end has had enough
            self.close_connection = True
            return
        if fault == "drip":
            for place in range(len(body)):
                self.wfile.write(body[place : place + 1])
                time.sleep(0.02)
            return
        self.wfile.write(body)

    def _head(self, status: int, length: int, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**fields, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):  # the reader has what it wanted
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Shelf]:
    """Serve files on the loopback for as long as the block lasts."""
    with _Server(("127.0.0.1", 0), _Answer) as server:
        server.shelf = Shelf(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.shelf
        server.shutdown()
