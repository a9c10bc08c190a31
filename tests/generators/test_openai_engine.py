"""A server that is busy, fails, answers by halves or hangs: everything is answered in the end, and paid for once."""

import re
import time
from collections.abc import Iterator
from dataclasses import fields, replace

import pytest

from generators import openai_engine
from generators.echo import Echo
from generators.engine import Sampling
from generators.forms import Choice, JsonSchema, Regex
from generators.generate import Generate
from generators.openai_engine import Server
from generators.places import gpus_of, place, server_url
from generators.vllm_engine import Vllm
from generators.weights import echo_model, find_model
from manifests.errors import BadRecipe, Incomplete, NotFound
from manifests.rows import Message
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.generators.played_server import NONSENSE, Played, answer, request, serving
from tests.generators.tasks import Again, texts
from tests.patience import LIMIT_S, Hurrying


@pytest.fixture
def server() -> Iterator[Played]:
    with serving() as played:
        yield played


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


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (None, {}),
        (Choice(("yes", "no")), {"structured_outputs": {"choice": ["no", "yes"]}}),
        (Regex("[0-5]"), {"structured_outputs": {"regex": "[0-5]"}}),
        (
            JsonSchema({"type": "integer"}),
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "reply", "schema": {"type": "integer"}, "strict": True},
                }
            },
        ),
    ],
    ids=["none", "choice", "regex", "json"],
)
def test_the_form_of_a_reply_is_asked_for_as_servers_know_it(server, form, sent):
    server.engine().submit(request(sampling=Sampling(form=form))).result(LIMIT_S)
    [(_, body)] = server.bodies
    assert {name: body[name] for name in ("response_format", "structured_outputs") if name in body} == sent


def test_a_server_that_knows_no_forms_is_told_of_none(server):
    engine = server.engine(forms="checked")
    engine.submit(request(sampling=Sampling(form=Choice(("yes", "no"))))).result(LIMIT_S)
    [(_, body)] = server.bodies
    assert "structured_outputs" not in body
    with pytest.raises(BadRecipe, match="expected forms=sent or forms=checked"):
        place("http://a/v1?forms=none")


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
    assert place("openai?capacity=7") == Server("http://mine/v1", capacity=7)
    assert place("http://a/v1/,http://b/v1?requests_per_min=60&wait_s=0.5") == Server(
        "http://a/v1", ("http://b/v1",), requests_per_min=60.0, wait_s=0.5
    )
    assert place("vllm?tensor_parallel=4&capacity=256") == Vllm(256, tensor_parallel=4)
    assert place("echo?delay_s=0.5") == Echo(delay_s=0.5)
    assert server_url("vllm?capacity=3") is None
    assert server_url("http://a/v1,http://b/v1?capacity=3") == "http://a/v1" == server_url(Server("http://a/v1/"))
    for word, wrong in {
        "vlm": "engine 'vlm': expected",
        "vllm?tensor_paralel=2": "tensor_paralel=2; expected one of capacity, dtype, tensor_parallel",
        "vllm?capacity=many": "capacity=many; expected one of",
        "http://a/v1?url=http://b": "url=http://b; expected one of",
    }.items():
        with pytest.raises(BadRecipe, match=re.escape(wrong)):
            place(word)
    with pytest.raises(NotFound):
        find_model("models/none", Store(str(tmp_path / "s")))


def test_how_many_gpus_an_engine_takes_is_said_by_its_place():
    found = [gpus_of(place(word)) for word in ("vllm", "vllm?tensor_parallel=4", "echo", "http://a/v1")]
    assert found == [1, 4, 0, 0]
