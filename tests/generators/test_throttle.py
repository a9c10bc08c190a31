"""What a server is given: as much at once as it answers well, no sooner than it allows, nothing while it is down."""

import time
from contextlib import ExitStack
from threading import Condition

import pytest

from generators.openai_engine import Server
from generators.throttle import LONGEST_WAIT_S, Throttle, seconds_of, spent_for
from generators.weights import echo_model
from manifests.errors import Incomplete
from tests.generators.played_server import request, serving
from tests.patience import LIMIT_S


class Clock:
    """A clock that is set."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def throttle(most: int = 8, clock: Clock | None = None, **limits: float) -> Throttle:
    return Throttle(most, 1.0, Condition(), clock=clock or Clock(), **limits)


def ask(given: Throttle, turns: int) -> list:
    return [given.take() for _ in range(turns)]


def test_a_busy_server_is_given_half_as_many_at_once_and_one_more_after_each_round_of_answers():
    given = throttle(8)
    first, *others = ask(given, 8)
    given.failed(first, None)
    assert given.at_once == 4.0
    for turn in others:  # they were sent before the server said so
        given.failed(turn, None)
    assert given.at_once == 4.0
    for turn in ask(given, 4):
        given.answered(turn, 10, {})
    assert 4.8 < given.at_once < 5.0
    for turn in ask(given, 400):
        given.answered(turn, 10, {})
    assert given.at_once == 8.0


def test_however_busy_a_server_is_it_is_asked_one_at_a_time():
    given = throttle(8)
    for _ in range(10):
        given.failed(given.take(), None)
    assert (given.at_once, given.flying) == (1.0, 0)


def test_rests_grow_with_each_failure_vary_and_end_with_an_answer():
    clock = Clock()
    given = throttle(8, clock)
    rests = []
    for _ in range(9):
        given.failed(given.take(), None)
        rests.append(given.wait_left())
        clock.now += rests[-1]
    bounds = [min(LONGEST_WAIT_S, 2.0**falls) for falls in range(9)]
    assert all(bound / 2 <= rest <= bound + 0.01 for rest, bound in zip(rests, bounds, strict=True))
    given.answered(given.take(), 1, {})
    given.failed(given.take(), None)
    assert given.wait_left() <= 1.01


def test_a_server_that_says_how_long_is_left_alone_for_so_long_and_no_longer_than_a_minute():
    clock = Clock()
    given = throttle(8, clock)
    given.failed(given.take(), 30.0)
    assert given.wait_left() == pytest.approx(30.0)
    given.failed(given.take(), 1e9)
    assert given.wait_left() == pytest.approx(LONGEST_WAIT_S)


def test_its_own_limits_are_kept_over_a_minute():
    clock = Clock()
    given = throttle(100, clock, requests_per_min=60, tokens_per_min=600)
    sent = 0
    while clock.now < 1_060.0:
        if given.wait_left() <= 0:
            given.answered(given.take(), 10, {})
            sent += 1
        clock.now += 0.25
    assert 28 <= sent <= 31  # a second for the request, and another for its ten tokens


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({}, 0.0),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "9s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"}, 9.0),
        ({"x-ratelimit-remaining-tokens": "40", "x-ratelimit-reset-tokens": "1.5s"}, 1.5),
        ({"x-ratelimit-remaining-tokens": "5000", "x-ratelimit-reset-tokens": "1.5s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "99h"}, LONGEST_WAIT_S),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, 0.0),
        ({"x-ratelimit-remaining-requests": "-" * 9_999, "x-ratelimit-reset-requests": "9" * 9_999}, 0.0),
    ],
)
def test_headers_say_when_a_limit_is_spent(headers, waits):
    assert spent_for(headers, 50) == waits


def test_durations_of_headers():
    found = [seconds_of(text) for text in ("20ms", "1m0.5s", "2h", "7", "0.25", "", "s", "x", "1 m", "9" * 99)]
    assert found == [0.02, 60.5, 7_200.0, 7.0, 0.25, None, None, None, None, None]


def test_a_server_that_takes_few_at_once_answers_all_in_the_end():
    with serving() as server:
        server.room = 3
        engine = server.engine(capacity=24, attempts=20)
        futures = [engine.submit(request(f"hello {n}")) for n in range(120)]
        assert len({future.result(LIMIT_S).text for future in futures}) == 120
        assert server.sent_away > 0
        assert len(server.bodies) == 120 + server.sent_away
        engine.close()


def test_after_an_answer_whose_headers_say_that_a_limit_is_spent_nothing_is_sent_until_it_is_not():
    with serving() as server:
        server.headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "50ms"}
        engine, start = server.engine(), time.monotonic()
        assert [engine.submit(request()).result(LIMIT_S).text for _ in range(4)] == ["5 hello"] * 4
        assert time.monotonic() - start >= 3 * 0.05


@pytest.fixture
def three():
    """Three servers with one model."""
    with ExitStack() as stack:
        yield [stack.enter_context(serving()) for _ in range(3)]


def engine_of(servers, *more, **settings):
    urls = [*[server.url for server in servers], *more]
    settings = {"wait_s": 0.001, "timeout_s": LIMIT_S, "attempts": 4} | settings
    return Server(urls[0], tuple(urls[1:]), **settings).open(echo_model())


def test_requests_are_spread_over_servers(three):
    engine = engine_of(three, capacity=4)
    assert engine.capacity == 12
    futures = [engine.submit(request(f"hello {n}")) for n in range(60)]
    assert len({future.result(LIMIT_S).text for future in futures}) == 60
    assert all(server.bodies and server.most <= 4 for server in three)


@pytest.mark.parametrize("misfortune", ["503", "half", "429"])
def test_where_one_of_several_servers_fails_the_others_answer(three, misfortune):
    three[1].misfortunes = [misfortune] * 1_000
    engine = engine_of(three, capacity=4, attempts=6)
    futures = [engine.submit(request(f"hello {n}")) for n in range(80)]
    assert len({future.result(LIMIT_S).text for future in futures}) == 80
    answered = [len(server.bodies) for server in (three[0], three[2])]
    assert sum(answered) == 80


def test_a_server_that_is_not_there_costs_no_request(three):
    engine = engine_of(three[:1], "http://127.0.0.1:9/v1", capacity=4)
    futures = [engine.submit(request(f"hello {n}")) for n in range(40)]
    assert len({future.result(LIMIT_S).text for future in futures}) == 40
    assert len(three[0].bodies) == 40


def test_a_server_that_comes_back_is_used_again(three):
    three[0].misfortunes = ["503"] * 3
    engine = engine_of(three[:2], capacity=2)
    asked = 0
    while len(three[0].bodies) < 10:
        assert engine.submit(request(f"hello {asked}")).result(LIMIT_S).finish_reason == "stop"
        asked += 1


def test_who_waits_for_a_server_is_let_go_when_the_engine_is_closed(three):
    engine = engine_of(three[:1], capacity=1, wait_s=LIMIT_S)
    three[0].misfortunes = ["503"]
    future = engine.submit(request())
    while not three[0].bodies:
        pass
    engine.close()
    with pytest.raises(Incomplete):
        future.result(LIMIT_S)
