"""Hostile texts, senseless replies, a full disk: each costs its own row at the most, and nothing passes for done."""

import resource
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.annotate import judging
from generators.command import generator
from generators.engine import Raw, Reply
from generators.paraphrase import styled
from generators.questions import asking
from generators.round_trip import RoundTrip
from generators.styles import STYLES
from generators.textbook import writing
from generators.translate import into
from generators.weights import echo_model
from manifests.errors import Incomplete, StoreFailed
from manifests.rows import Row
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from manifests.watcher import Silent
from tests.generators.tasks import Again, Counting, Texts, asks, document, texts
from tests.manifests.stages import Source
from tests.patience import in_proportion

CHATML = echo_model(
    template="{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n",
    specials=("<|im_start|>", "<|im_end|>", "<s>", "</s>", "<tool_call>"),
)
TASKS = {
    "again": Again(),
    "translate": into("en"),
    "round trip": RoundTrip((("en", "English"), ("ja", "Japanese")), "ja"),
    **{f"paraphrase {style}": styled(style, ("en",)) for style in STYLES},
    "annotate": judging("education", 3_000),
    "annotate topic": judging("topic", 3_000, reasons=False),
    "questions": asking(("en",), 5, 2, "documents", with_source=False),
    "questions in turns": asking(("en",), 5, 1, "conversations", with_source=False),
    "textbook": writing(("textbook",), ("experts",), ("en",)),
}
JINJA = "{{ messages[0].content }} {% raw %}{% endraw %} {# gone #} {% include 'x' %} {{ 7 * 191 }}"
BRACES = "{text} {0} {} {{}} {text.__class__} %s %(text)s $text"
PIECES = ("<|im_end|>", "<|im_start|>", "system\n", "<s>", "</s>", "<tool_call>", "<|", "|>", "[INST]", "<", "|", "a")


SIZE = 20_000  # characters
HOSTILE = (
    "Question:",
    "Answer: ",
    "Q:\n",
    "- ",
    "A: B: ",
    "**",
    "_a",
    '"',
    " ",
    "\n",
    "Score: 1\n",
    "「",
    "x" * 50,
    "。",
)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


def rendered(task, text):
    return CHATML.render(task.prompt(document("x").replace(text=text)))[0]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("text", [BRACES, JINJA], ids=["braces", "Jinja"])
def test_braces_and_templates_in_a_text_reach_the_model_as_they_are(task, text):
    assert text in rendered(task, text)


def test_braces_in_a_quoted_text_of_a_raw_prompt_are_not_filled_in():
    prompt = Raw("<|im_start|>{text}\n{other}", {"text": BRACES, "other": JINJA})
    assert CHATML.render(prompt)[0] == f"<|im_start|>{BRACES}\n{JINJA}"


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join), st.sampled_from([*TASKS.values()]))
def test_no_text_can_end_its_turn_or_begin_another(text, task):
    harmless = rendered(task, "harmless")
    found = rendered(task, text)
    for token in CHATML.specials:
        assert found.count(token) == harmless.count(token)


@settings(max_examples=20)
@given(st.binary(max_size=300))
def test_binary_is_a_text_like_any_other(data):
    for encoding in ("latin-1", "utf-8"):
        text = data.decode(encoding, "surrogateescape")
        assert rendered(Again(), text).encode()


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@given(text=st.text() | st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join))
def test_no_reply_makes_a_parser_raise(task, text):
    made = task.parse(document("Bees 12 dance."), Reply(text, "stop", 1, 1))
    assert isinstance(made, Row | Rejected)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_long_reply_takes_time_in_proportion_to_its_length(task):
    doc = document("Bees 12 dance.")
    for piece in HOSTILE:
        assert in_proportion(
            lambda times, one=piece: task.parse(doc, Reply(one * times, "stop", 1, 1)), SIZE // len(piece)
        )


ODD = {
    "blanks only": (" \n\t　", {"generate/no_text": 1}),
    "nothing": ("", {"generate/no_text": 1}),
    "a megabyte": ("x" * 2**20, {"generate/too_long": 1}),
    "a megabyte of markers": ("<|im_end|>" * (2**20 // 10), {"generate/too_long": 1}),
    "a megabyte of angles": ("<|" * 2**19, {"generate/too_long": 1}),
}


@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_asked_about_is_a_reject_with_a_reason_and_the_rest_goes_on(store, name):
    text, reasons = ODD[name]
    made = run(asks(model=CHATML, max_context=1_000), texts("one", text, "two"), store=store).manifest
    assert (made.rows, made.steps[1].reasons) == (2, reasons)


SENSELESS = {
    "nothing": ("", "generate/empty"),
    "blanks": ("\n \t　\n", "generate/empty"),
    "without an end": ("and on " * 10_000, "generate/cut_off"),
    "control characters": ("".join(map(chr, range(1, 32))) + "x", None),
    "an escape sequence": ("\x1b[2J\x1b]0;owned\x07", None),
    "half a character": ("a\ufffdb", None),
    "the template": ("<|im_end|>\n<|im_start|>user\n{text}", None),
    "a megabyte": (Reply("x" * 2**20, "stop", 1, 1), None),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_a_senseless_reply_is_a_row_as_it_came_or_a_reject_and_is_the_same_from_the_cache(store, name):
    given_reply, reason = SENSELESS[name]
    answer = Counting(lambda request: given_reply if "bad" in request.prompt else "fine")
    first = run(asks(answer), texts("good", "bad"), store=store).manifest
    assert first.steps[1].reasons == ({reason: 1} if reason else {})
    if reason is None:
        wanted = given_reply if isinstance(given_reply, str) else given_reply.text
        assert [row.text for row in View(store, first)] == ["fine", wanted]
    again = run(asks(answer), texts("good", "bad", units=2), store=store).manifest
    assert (again.content, answer.calls) == (first.content, 2)


def test_a_row_from_two_to_many_kinds_of_trouble_costs_no_other_row(store):
    @dataclass(frozen=True)
    class Troubled(Texts):
        def rows(self):
            for n, text in enumerate(("good", BRACES, JINJA, "a\ud800b", "a\0b", *(text for text, _ in ODD.values()))):
                yield document(str(n)).replace(text=text)

    made = run(asks(max_context=1_000), Source((Troubled(()),)), store=store).manifest
    assert made.rows == 4  # the lone surrogate is refused before anything is asked
    assert sum(step.dropped for step in made.steps) == 1 + len(ODD)


@contextmanager
def full_disk(size_bytes):
    """No file can grow beyond a size: what a disk does that has so much room left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_while_calls_are_committed_is_one_clear_error_and_the_next_run_goes_on(store, tmp_path):
    answer, source = Counting(), texts(*[f"text {n}" for n in range(60)])
    with (
        full_disk(2_000),
        pytest.raises(StoreFailed, match=r"cannot write .*calls.*; free some space and run the same"),
    ):
        run(asks(answer), source, store=store, tag="asks")
    assert answer.calls == 60
    assert list(store.files.keys("")) == []  # nothing is there that could pass for done
    made = run(asks(answer), source, store=store, tag="asks").manifest
    assert (made.rows, answer.calls) == (60, 60)  # this process held on to what it could not write
    elsewhere = run(asks(), source, store=Store(str(tmp_path / "whole"))).manifest
    assert made.id == elsewhere.id


def test_a_unit_that_is_missing_makes_the_command_fail_and_names_no_version(store):
    def down(request):
        if "text 3" in request.prompt:
            raise Incomplete("the engine is on fire")
        return "fine"

    def recipe() -> Recipe:
        return asks(down)

    run(Recipe("import", ()), texts(*[f"text {n}" for n in range(6)], units=3), store=store, tag="given")
    command = generator(recipe, default_source="given")
    done = CliRunner().invoke(command, ["--store", store.url, "--tag", "made"])
    assert done.exit_code != 0
    assert "the engine is on fire" in done.stderr
    assert done.stdout == ""
    assert store.head("made") is None


def test_a_model_of_which_no_reply_can_be_used_is_told_loudly(store):
    heard = []

    class Hearing(Silent):
        def say(self, text):
            heard.append(text)

    run(asks(lambda _: " "), texts("one", "two"), store=store, watcher=Hearing())
    assert heard == ["warning: Generate kept none of 2 rows: generate/empty 2"]
