"""Conversations answered turn by turn, and replies that are not sound."""

from dataclasses import replace

import pytest

from generators.answering import Turn
from generators.echo import Echo
from generators.engine import Reply
from generators.reply_marks import SoundReplies, fault_of
from generators.respond import recipe
from manifests.check import fsck
from manifests.explain import why
from manifests.lineage import recipe_chain
from manifests.run import run
from manifests.store import Store
from manifests.view import View
from tests.generators.talks import talk, talks
from tests.generators.tasks import Counting


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


def answered(answer, **options):
    """The recipe, with an echo that answers so."""
    made = recipe(model="echo", **options)
    place = Echo(answer)
    steps = [
        replace(step, generate=replace(step.generate, engine=place)) if isinstance(step, Turn) else step
        for step in made.steps
    ]
    return replace(made, steps=tuple(steps))


def turns(store, done):
    return {row.messages[0].content: [one.content for one in row.messages] for row in View(store, done.manifest)}


def number(request):
    """How many turns the model has seen, and the last of them."""
    said = request.prompt.split("<|user|>\n")
    return f"{len(said) - 1}: {said[-1].split()[0]}"


def test_each_turn_is_answered_with_the_answers_before_it_in_the_prompt(store):
    asked = Counting(number)
    rows = talk("u one", "u two", "u three"), talk("u alone"), talk("s Be brief.", "u x", "i 1 2", "u y")
    done = run(answered(asked), talks(*rows), store=store, tag="said")
    assert turns(store, done) == {
        "one": ["one", "1: one", "two", "2: two", "three", "3: three"],
        "alone": ["alone", "1: alone"],
        "Be brief.": ["Be brief.", "x", "1 2", "1: x", "y", "2: y"],
    }
    assert asked.calls == 6
    assert any("1: one" in request.prompt and "2: two" in request.prompt for request in asked.requests)
    assert fsck(store, deep=True) == []


def test_a_conversation_is_traced_through_its_turns_to_the_one_that_was_asked(store):
    source = talk("u one", "u two")
    done = run(answered(number), talks(source), store=store, tag="said")
    [row] = View(store, done.manifest)
    assert row.call is not None
    story = why(store, row.id, done.manifest)
    assert story.made_by == "Turn"
    assert why(store, source.id, done.manifest).row_id == source.id


def test_what_assistants_said_before_is_answered_anew(store):
    done = run(answered(number), talks(talk("u one", "a old", "u two", "a older")), store=store)
    assert turns(store, done) == {"one": ["one", "1: one", "two", "2: two"]}


def test_a_second_run_asks_nothing_and_another_dataset_only_what_is_new(store):
    asked = Counting(number)
    run(answered(asked), talks(talk("u one", "u two")), store=store)
    run(answered(asked), talks(talk("u one", "u two")), store=store)
    assert asked.calls == 2
    run(answered(asked), talks(talk("u one", "u other")), store=store)
    assert asked.calls == 3


def test_a_conversation_whose_reply_is_refused_goes_with_its_reason(store):
    def cut(request):
        return Reply("and so", "length" if "two" in request.prompt else "stop", 1, 1)

    done = run(answered(cut), talks(talk("u one", "u two"), talk("u three")), store=store)
    assert turns(store, done) == {"three": ["three", "and so"]}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (talk(*["u hello"] * 200), "dialogue/many_turns"),
        (talk("a hello"), "dialogue/no_user"),
        (talk("u hello", "s late"), "dialogue/late_system"),
        (talk("x hello"), "dialogue/unknown_role"),
        (talk("u 蜂", "u  "), "dialogue/empty_turn"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_anything_is_asked(store, row, reason):
    asked = Counting(number)
    done = run(answered(asked), talks(row), store=store)
    assert (asked.calls, done.manifest.rows) == (0, 0)
    parts = recipe_chain(store, done.manifest)
    assert {name: count for part in parts for step in part.steps for name, count in step.reasons.items()} == {reason: 1}


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("Plain text, 2 * 3 * 4.", None),
        ("```python\nprint('**')\n```\nand **bold**", None),
        ("```python\nprint(1)", "reply/open_fence"),
        ("````\n```\n````", None),
        ("This is **bold", "reply/open_emphasis"),
        ("Use `a ** b` here", None),
        ("[page](https://docs.python.org/3/", "reply/torn_link"),
        ("[page]()", "reply/link_to_nowhere"),
        ("[page](#)", "reply/link_to_nowhere"),
        ("[page](https://www.example.com/a)", "reply/link_to_nowhere"),
        ("See https://your-site.com/page", "reply/link_to_nowhere"),
        ("[page](https://docs.python.org/3/)", None),
        ("See https://docs.python.org/3/.", None),
        ("See https://docs.python.org/9/made-up", "reply/unknown_link"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", None),
        ("| a | b |\n|---|---|\n| 1 |", "reply/ragged_table"),
        ("| not a table", None),
    ],
)
def test_faults_of_markdown_and_links_to_nowhere_are_told_apart(reply, fault):
    assert fault_of(reply, "Explain https://docs.python.org/3/ to me") == fault


def test_links_may_be_any_where_that_is_asked_for():
    row = talk("u Where?", "a At https://docs.python.org/3/")
    [refused] = SoundReplies()([row])
    assert refused.reason == "reply/unknown_link"
    assert SoundReplies(known_links=False).fault(row.messages) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 50_000, None),
        ("](" * 50_000, None),
        ("**" * 50_001, "reply/open_emphasis"),
        ("`" * 100_000, "reply/open_fence"),
        ("|" * 100_000, None),
        ("[a](https:" * 10_000, "reply/torn_link"),
        ("](" + "a" * 100_000, None),
        ("https://" + "a.b-" * 25_000, "reply/unknown_link"),
    ],
)
def test_hostile_replies_are_judged_to_the_end(text, fault):
    assert fault_of(text, "") == fault
