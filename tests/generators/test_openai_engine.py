"""A server that is busy, fails, answers by halves or hangs: everything is answered in the end, and paid for once."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from generators import openai_engine
from generators.engine import Request, Sampling
from generators.generate import Generate
from generators.openai_engine import Server
from generators.places import place, server_url
from generators.weights import Model, echo_model, find_model
from manifests.errors import BadRecipe, Incomplete, NotFound
from manifests.rows import Message
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import Again, texts
from tests.patience import LIMIT_S, Hurrying


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
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = cut

    def log_message(self, *_):
        pass


class Patient(ThreadingHTTPServer):
    request_queue_size = 128  # of 5, the kernel makes the others wait for a second


@pytest.fixture
def server() -> Iterator[Played]:
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


@pytest.mark.parametrize("misfortune", ["429", "500", "503", "half", "unfinished"])
def test_after_a_misfortune_the_request_is_made_again(server, misfortune):
    server.misfortunes = [misfortune] * 2
    reply = server.engine().submit(request()).result(LIMIT_S)
    assert (reply.text, reply.finish_reason, reply.tokens_in, reply.tokens_out) == ("5 hello", "stop", 7, 2)
    assert reply.logprob == -1.5
    assert len(server.bodies) == 3


def test_a_server_that_hangs_is_asked_again(server):
    server.misfortunes = ["hang"] * 2
    reply = server.engine(timeout_s=0.5, attempts=100).submit(request()).result(LIMIT_S)
    assert (reply.text, reply.finish_reason) == ("5 hello", "stop")
    assert len(server.bodies) >= 3


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_after_an_answer_that_makes_no_sense_the_request_is_made_again(server, nonsense):
    server.misfortunes = [nonsense]
    assert server.engine().submit(request()).result(LIMIT_S).text == "5 hello"
    server.misfortunes = [nonsense] * 4
    with pytest.raises(Incomplete, match=r"an answer that cannot be read: .*, 4 times"):
        server.engine().submit(request()).result(LIMIT_S)


def test_a_server_that_says_when_to_come_back_is_asked_no_earlier(server):
    server.misfortunes = ["429 for a while"]
    start = time.monotonic()
    assert server.engine().submit(request()).result(LIMIT_S).text == "5 hello"
    assert time.monotonic() - start >= 0.3


def test_an_answer_that_comes_in_drops_without_an_end_is_given_up(server, monkeypatch):
    monkeypatch.setattr(openai_engine, "time", Hurrying(LIMIT_S / 10))
    server.misfortunes = ["drip"]
    assert server.engine().submit(request()).result(LIMIT_S).text == "5 hello"
    assert len(server.bodies) == 2
    server.misfortunes = ["drip"] * 2
    with pytest.raises(Incomplete, match=r"an answer without an end, \d+ bytes so far, 2 times"):
        server.engine(attempts=2).submit(request()).result(LIMIT_S)


def test_an_answer_without_bounds_is_given_up(server, monkeypatch):
    monkeypatch.setattr(openai_engine, "MOST_BYTES", 50)
    with pytest.raises(Incomplete, match="an answer without an end"):
        server.engine().submit(request()).result(LIMIT_S)


def test_half_a_character_in_a_reply_becomes_a_replacement_and_a_number_that_is_none_is_left_out(server, monkeypatch):
    odd = answer(text="a\ud800b\0c", logprobs={"token_logprobs": [float("nan"), -1.0]})
    monkeypatch.setitem(NONSENSE, "half a character", odd)
    server.misfortunes = ["half a character"]
    reply = server.engine().submit(request()).result(LIMIT_S)
    assert (reply.text, reply.logprob) == ("a\ufffdbc", -1.0)


def test_a_reply_that_never_stops_is_cut_by_the_server_and_refused(server, tmp_path):
    server.misfortunes = ["without a stop"]
    made = run(recipe(server), texts("one"), store=Store(str(tmp_path / "s"))).manifest
    assert (made.rows, made.steps[1].reasons) == (0, {"generate/cut_off": 1})


def test_after_the_last_attempt_the_call_has_failed(server):
    server.misfortunes = ["503"] * 4
    with pytest.raises(Incomplete, match="HTTP 503, 4 times"):
        server.engine().submit(request()).result(LIMIT_S)


def test_a_server_that_is_not_there_has_failed_too():
    engine = Server("http://127.0.0.1:9/v1", wait_s=0.001, attempts=2).open(echo_model())
    with pytest.raises(Incomplete, match="ConnectError"):
        engine.submit(request()).result(LIMIT_S)


def test_a_refused_request_is_not_repeated(server):
    server.misfortunes = ["401"]
    with pytest.raises(BadRecipe, match="refused the request for echo: HTTP 401"):
        server.engine().submit(request()).result(LIMIT_S)
    assert len(server.bodies) == 1


def test_a_prompt_over_the_context_is_a_reply_that_says_so(server):
    server.misfortunes = ["too long"]
    assert server.engine().submit(request()).result(LIMIT_S).finish_reason == "too_long"


def test_no_more_requests_than_allowed_are_open_at_once(server):
    engine = server.engine(capacity=3)
    futures = [engine.submit(request(f"hello {n}")) for n in range(20)]
    assert len({future.result(LIMIT_S).text for future in futures}) == 20
    assert server.most <= 3


def test_every_field_of_the_sampling_is_sent(server):
    sampling = Sampling(9, 0.3, 0.8, top_k=40, min_p=0.1, repetition_penalty=1.2, stop=("\n",))
    server.engine().submit(request(sampling=sampling)).result(LIMIT_S)
    [(path, body)] = server.bodies
    assert path == "/v1/completions"
    assert {one.name: body[one.name] for one in fields(Sampling) if one.name not in {"max_ratio", "form"}} == {
        "max_tokens": 9,
        "temperature": 0.3,
        "top_p": 0.8,
        "top_k": 40,
        "min_p": 0.1,
        "repetition_penalty": 1.2,
        "stop": ["\n"],
        "n": 1,  # each candidate is a request of its own
        "seed": 5,
    }
    assert body["add_special_tokens"] is False


def test_messages_go_to_a_server_that_writes_the_prompt_itself(server):
    messages = (Message("system", "be brief"), Message("user", "hello"))
    reply = server.engine().submit(request(messages=messages)).result(LIMIT_S)
    [(path, body)] = server.bodies
    assert (path, body["messages"][0]) == ("/v1/chat/completions", {"role": "system", "content": "be brief"})
    assert (reply.text, reply.logprob) == ("5 hello", -0.25)


def recipe(server, model="named-there") -> Recipe:
    stage = Generate(Again(), model=model, engine=server.url)
    return Recipe("asks", (stage,))


def test_a_run_survives_a_bad_day_of_its_server(server, tmp_path):
    server.misfortunes = ["429", "500", "half", "unfinished"] * 3
    place_of = Server(server.url, wait_s=0.001, attempts=20)
    store = Store(str(tmp_path / "s"))
    stage = Generate(Again(), model="named-there", engine=place_of)
    made = run(Recipe("asks", (stage,)), texts(*[f"text {n}" for n in range(40)]), store=store).manifest
    assert (made.rows, len({row.text for row in View(store, made)})) == (40, 40)


def test_a_model_known_by_name_only_is_that_name_at_that_server(server, tmp_path):
    store = Store(str(tmp_path / "s"))
    run(recipe(server), texts("one", "two"), store=store)
    run(recipe(server), texts("two", "one"), store=store)
    assert len(server.bodies) == 2
    one, other = (find_model("m", store, at) for at in ("http://one/v1", "http://other/v1"))
    assert one.weights != other.weights


def test_a_model_known_by_its_digest_is_the_same_at_any_server():
    stage = Generate(Again(), model=echo_model(), engine="http://one/v1")
    assert Recipe("r", (stage,)).fingerprint == Recipe("r", (replace(stage, engine="http://two/v1"),)).fingerprint


def test_the_words_for_places(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://mine/v1/")
    assert place("openai") == Server("http://mine/v1")
    assert server_url("vllm") is None
    with pytest.raises(BadRecipe, match="engine 'vlm': expected"):
        place("vlm")
    with pytest.raises(NotFound):
        find_model("models/none", Store(str(tmp_path / "s")))
