"""A server with the interface of OpenAI that plays misfortunes, and answers after them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from generators.engine import Request, Sampling
from generators.openai_engine import Server
from generators.weights import Model, echo_model
from tests.patience import LIMIT_S


def answer(**changes) -> bytes:
    """An answer of a server, with something in it that should not be."""
    choice = {"finish_reason": "stop", "text": "fine", "logprobs": None} | changes
    usage = {"prompt_tokens": choice.pop("prompt_tokens", 7), "completion_tokens": 2}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


NONSENSE = {
    "empty": b"",
    "no JSON": b"<html>Bad gateway</html>",
    "not UTF-8": b'{"choices": "\xff\xfe"}',
    "another shape": b'{"error": null}',
    "no choice": b'{"choices": [], "usage": {"prompt_tokens": 1}}',
    "nested too deep": b"[" * 100_000,
    "a text that is none": answer(text=None, message={"content": ["a", 1]}),
    "an unknown end": answer(finish_reason="tool_calls"),
    "tokens beyond counting": answer(prompt_tokens=2**40),
    "tokens below zero": answer(prompt_tokens=-1),
}


@dataclass
class Played:
    """A server that plays a list of misfortunes, one for each request, and then answers."""

    misfortunes: list[str] = field(default_factory=list)
    bodies: list[tuple[str, dict]] = field(default_factory=list)
    flying: int = 0
    most: int = 0
    room: int | None = None  # requests at once; those beyond are sent away
    headers: dict[str, str] = field(default_factory=dict)  # of every answer
    sent_away: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def engine(self, model: Model | None = None, **settings):
        settings = {"wait_s": 0.001, "timeout_s": LIMIT_S, "attempts": 4} | settings
        return Server(self.url, **settings).open(model or echo_model())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    played: Played

    def do_POST(self):
        played = self.played
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with played.lock:
            played.bodies.append((self.path, body))
            misfortune = played.misfortunes.pop(0) if played.misfortunes else ""
            played.flying += 1
            played.most = max(played.most, played.flying)
            if played.room is not None and played.flying > played.room:
                misfortune, played.sent_away = "429", played.sent_away + 1
        try:
            time.sleep(0.01)
            if misfortune == "hang":
                self.close_connection = True
                with suppress(ConnectionError):
                    self.connection.recv(1)  # until the other end has had enough
            elif misfortune == "drip":
                self.drip()
            elif not self.refuse(misfortune):
                self.answer(body, misfortune)
        finally:
            with played.lock:
                played.flying -= 1

    def refuse(self, misfortune) -> bool:
        if misfortune.isdigit():
            self.send(int(misfortune), b'{"error": {"message": "no"}}')
        elif misfortune == "429 for a while":
            self.send(429, b"{}", retry_after="0.3")
        elif misfortune == "too long":
            self.send(400, b'{"error": {"message": "maximum context length is 10 tokens"}}')
        elif misfortune in NONSENSE:
            self.send(200, NONSENSE[misfortune])
        else:
            return False
        return True

    def answer(self, body, misfortune):
        asked = body.get("prompt") or body["messages"][-1]["content"]
        text = f"{body['seed']} {asked[-20:]}"
        finish = {"unfinished": None, "without a stop": "length"}.get(misfortune, "stop")
        choice = {"finish_reason": finish, "index": 0}
        if "prompt" in body:
            choice |= {"text": text, "logprobs": {"token_logprobs": [-0.5, -1.0]}}
        else:
            logprobs = {"content": [{"logprob": -0.25}]}
            choice |= {"message": {"role": "assistant", "content": text}, "logprobs": logprobs}
        usage = {"prompt_tokens": 7, "completion_tokens": 2}
        self.send(200, json.dumps({"choices": [choice], "usage": usage}).encode(), cut=misfortune == "half")

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", str(10**9))
        self.end_headers()
        self.close_connection = True
        with suppress(ConnectionError):
            while True:
                self.wfile.write(b" ")
                time.sleep(0.02)

    def send(self, status, data, cut=False, retry_after=None):
        self.send_response(status)
        if retry_after:
            self.send_header("Retry-After", retry_after)
        for name, value in self.played.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = cut

    def log_message(self, *_):
        pass


class Patient(ThreadingHTTPServer):
    request_queue_size = 128  # of 5, the kernel makes the others wait for a second


@contextmanager
def serving() -> Iterator[Played]:
    """A server while it is needed."""
    played = Played()
    httpd = Patient(("127.0.0.1", 0), type("OneHandler", (Handler,), {"played": played}))
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    played.url = f"http://127.0.0.1:{httpd.server_port}/v1"
    yield played
    httpd.shutdown()
    httpd.server_close()


def request(prompt: str = "hello", **changes) -> Request:
    return replace_request(Request(prompt, Sampling(), seed=5), changes)


def replace_request(made, changes):
    return Request(**({name: getattr(made, name) for name in made.__struct_fields__} | changes))
