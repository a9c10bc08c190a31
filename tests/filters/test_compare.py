import json
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from filters.compare import Agreement, compare
from filters.compare_command import compare_sets
from filters.compare_table import print_comparison
from filters.length import Length
from filters.sets import SETS, named
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Conversation, Document, row_id
from manifests.run import run
from manifests.stage import Recipe, Rules, Stage, at_least
from manifests.store import Store
from manifests.tables import console
from manifests.view import View
from tests.sources import OneUnit


class Texts(OneUnit):
    """A source of documents: pairs of language and text."""

    file = "texts"

    def __init__(self, *texts: tuple[str | None, str]) -> None:
        self.texts = texts

    @property
    def key(self):
        return [list(text) for text in self.texts]

    def rows(self):
        for number, (language, text) in enumerate(self.texts):
            url = f"http://example.jp/{number}\x1b[31m"
            yield Document(id=row_id("document", "texts", str(number)), url=url, text=text, language=language)


def view(*texts: tuple[str | None, str], store: Store | None = None, tag: str | None = None) -> View:
    store = store or Store("memory://compare")
    return View(store, run(Recipe("texts", ()), Texts(*texts), store=store, tag=tag).manifest)


@dataclass(frozen=True, slots=True)
class Has(Rules):
    """Keep the texts with a letter."""

    letter: str

    def rules(self):
        return at_least("has/not", "has", 1)

    def measure(self, doc):
        return {"has": float(doc.text.count(self.letter))}


TEXTS = (("en", "a b"), ("en", "a"), ("ja", "b"), (None, "c"), ("en", "a b c"))


def test_counts_are_those_of_each_pair_and_of_each_language():
    made = compare(view(*TEXTS), {"a": (Has("a"),), "b": (Has("b"),)})
    everything, english, *others = made.groups
    assert (everything.name, everything.documents, everything.kept) == ("all", 5, {"a": 3, "b": 3})
    assert everything.agreements == (Agreement("a", "b", both=2, only_a=1, only_b=1, neither=1),)
    assert (english.name, english.documents, english.kept) == ("en", 3, {"a": 3, "b": 2})
    assert {group.name: group.kept for group in others} == {"ja": {"a": 0, "b": 1}, "none": {"a": 0, "b": 0}}
    assert made.reasons == {"a": {"has/not": 2}, "b": {"has/not": 2}}


def test_jaccard_and_kappa_are_the_textbooks():
    found = Agreement("a", "b", both=20, only_a=5, only_b=10, neither=15)
    assert found.jaccard == 20 / 35
    assert found.kappa == pytest.approx(0.4)  # (.7 - .5) / (1 - .5)
    assert Agreement("a", "b", 3, 0, 0, 2).kappa == 1
    assert Agreement("a", "b", 3, 0, 0, 0).kappa is None
    assert Agreement("a", "b", 0, 0, 0, 3).jaccard is None


def test_examples_say_who_drops_a_document_and_why():
    made = compare(view(("en", "a b"), ("en", "a")), {"a": (Has("a"),), "b": (Length(max_chars=9), Has("b"))})
    [example] = made.examples
    assert (example.excerpt, example.kept_by) == ("a", ("a",))
    why = example.refusals["b"]
    assert (why.stage, why.reason, why.value, why.threshold) == ("Has", "has/not", 0, 1)


def test_a_stage_sees_what_the_one_before_it_left():
    prose = "It is a mill.\nThe mill turns. It is old! Is it safe? Nobody knows. It does turn."
    made = compare(view(("en", f"a heading\n{prose}")), {"c4": (*named("c4"), Length(max_chars=len(prose)))})
    assert made.groups[0].kept == {"c4": 1}


def test_what_two_sets_ask_of_the_same_text_is_measured_once():
    asked = []

    @dataclass(frozen=True, slots=True)
    class Counting(Has):
        def measure(self, doc):
            asked.append(doc.text)
            return {"has": 1.0}

    compare(view(*TEXTS), {"one": (Counting("a"),), "two": (Counting("a"), Has("a")), "three": (Counting("b"),)})
    assert sorted(asked) == sorted(2 * [text for _, text in TEXTS])


def test_a_limit_takes_documents_by_chance_and_always_the_same():
    many = view(*((None, str(number)) for number in range(200)))
    few = [compare(many, {"a": (Has("1"),)}, limit=30, seed=seed) for seed in (0, 0, 1)]
    assert [made.documents for made in few] == [30, 30, 30]
    assert few[0] == few[1]
    assert compare(many, {"a": (Has("1"),)}, limit=None).documents == 200


def test_one_language_can_be_looked_at_alone():
    made = compare(view(*TEXTS), {"a": (Has("a"),)}, language="en")
    assert [(group.name, group.documents) for group in made.groups] == [("all", 3), ("en", 3)]


def test_json_has_all_of_it():
    told = json.loads(json.dumps(compare(view(*TEXTS), {"a": (Has("a"),), "b": (Has("b"),)}).to_json()))
    assert told["groups"][0]["agreements"][0] == {
        "a": "a",
        "b": "b",
        "both": 2,
        "only_a": 1,
        "only_b": 1,
        "neither": 1,
        "jaccard": 0.5,
        "kappa": pytest.approx(1 / 6),
    }
    assert told["sets"] == {"a": ["Has"], "b": ["Has"]}
    assert {"id", "url", "excerpt", "kept_by", "refusals"} <= told["examples"][0].keys()


def test_what_cannot_be_compared_is_an_error():
    with pytest.raises(BadRecipe, match="no set"):
        compare(view(*TEXTS), {})
    with pytest.raises(BadSource, match="shows no document"):
        compare(view(), {"a": (Has("a"),)})
    with pytest.raises(BadSource, match="no document in 'de'"):
        compare(view(*TEXTS), {"a": (Has("a"),)}, language="de")

    class Chats(Texts):
        def rows(self):
            yield Conversation(id=row_id("conversation", "x", "1"))

    store = Store("memory://compare")
    chats = run(Recipe("chats", ()), Chats(("en", "chat")), store=store).manifest
    with pytest.raises(BadSource, match="kind 'conversation'"):
        compare(View(store, chats), {"a": (Has("a"),)})


@pytest.mark.parametrize("name", SETS)
def test_every_named_set_decides_on_any_text(name):
    assert all(isinstance(stage, Stage) for stage in named(name))
    made = compare(view(("ja", "短い。"), (None, ""), ("en", "The mill turns. " * 40)), {name: named(name)})
    assert made.documents == 3


def test_sets_are_joined_by_plus_and_unknown_ones_are_named():
    assert named("gopher+c4+fineweb") == named("gopher") + named("c4") + named("fineweb")
    with pytest.raises(BadRecipe, match="'gohper' is no set of rules; there are gopher, c4"):
        named("c4+gohper")


def invoke(*arguments: str):
    return CliRunner().invoke(compare_sets, [*arguments, "--store", "memory://compare-command"])


def test_the_command_prints_tables_that_a_terminal_may_be_given():
    view(*TEXTS, store=Store("memory://compare-command"), tag="texts")
    shown = invoke("texts", "--sets", "gopher, c4")
    assert shown.exit_code == 0, shown.output
    assert "gopher/few_words" in shown.output
    assert "gopher ~ c4" in shown.output
    assert "\x1b[31m" not in shown.output


def test_the_command_prints_json_and_refuses_unknown_sets():
    view(*TEXTS, store=Store("memory://compare-command"), tag="texts")
    told = json.loads(invoke("texts", "--sets", "fineweb", "--json", "--limit", "2").stdout)
    assert told["documents"] == 2
    refused = invoke("texts", "--sets", "fineweb,nope")
    assert refused.exit_code == 2
    assert "'nope' is no set of rules" in refused.output


def test_examples_are_made_safe_for_a_terminal(capsys):
    made = compare(view(("en", "a\x1b[2J b"), ("en", "b\u202e")), {"a": (Has("a"),), "b": (Has("b"),)})
    print_comparison(made, console())
    assert not set("\x1b\u202e") & set(capsys.readouterr().out)
