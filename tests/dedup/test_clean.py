import inspect
import json

import pytest
from click.testing import CliRunner

from corpus.decontaminate import recipe as of_program
from dedup.clean import Uncontaminated, decontaminated
from dedup.contamination import contamination
from dedup.contamination_command import show_contamination
from dedup.decontaminate import Decontaminate
from manifests.errors import BadRow
from manifests.funnel import series
from manifests.options import signature_options
from manifests.report.page import dataset_page
from manifests.rows import Conversation, Message, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.what_if import what_if
from tests.dedup.test_decontaminate import OTHER, QUESTION, SWAPPED, benchmark
from tests.manifests.stages import Source
from tests.pools import Unit, doc, selected, stored


def test_a_version_that_holds_an_item_gets_no_name():
    store = stored([doc("a", text=f"{OTHER} {QUESTION}"), doc("b", text=OTHER)])
    [item] = benchmark(store, QUESTION)
    check = Uncontaminated(Decontaminate(("benchmark",)))
    with pytest.raises(BadRow, match=rf"1 of 2 rows hold items of benchmark: .* holds item {item.hex()}"):
        run(Recipe("r", ()), "pool", store=store, tag="named", checks=[check])
    assert store.head("named") is None
    run(Recipe("r", (check.asked,)), "pool", store=store, tag="named", checks=[check])
    assert store.head("named") is not None


def test_a_version_is_checked_from_the_shell(tmp_path):
    store = Store(str(tmp_path / "s"))
    run(Recipe("r", ()), Source((Unit((doc("a", text=f"{OTHER} {QUESTION}"),)),)), store=store, tag="held")
    items = tmp_path / "bench.jsonl"
    items.write_text(json.dumps({"prompt": QUESTION}))
    asked = ["--against", f"{items}#prompt", "--store", store.url]
    done = CliRunner().invoke(show_contamination, ["held", *asked])
    assert (done.exit_code, "1 of 1 rows hold items" in done.output) == (2, True)
    run(Recipe("r", ()), Source((Unit((doc("b", text=OTHER),)),)), store=store, tag="free")
    assert "none of 1 rows" in CliRunner().invoke(show_contamination, ["free", *asked]).output


def plain(rows: int = 3) -> Recipe:
    """A recipe."""
    return Recipe("plain", ()) if rows else Recipe("none", ())


def test_any_recipe_can_have_the_option():
    clean = decontaminated(plain)
    assert list(inspect.signature(clean).parameters) == ["rows", "decontaminate"]
    assert [option.name for option in signature_options(clean)] == ["rows", "decontaminate"]
    assert clean(rows=0) == plain(rows=0)
    assert clean(rows=1, decontaminate=("gsm8k",)).steps == (Decontaminate(("gsm8k",)),)


def test_the_program_asks_as_the_selection_does():
    assert of_program(against=("gsm8k",)).steps == (Decontaminate(("gsm8k",)),)


def test_the_text_that_a_row_shares_with_its_item_is_shown():
    start = QUESTION[: QUESTION.index("on the market")]
    store = stored(
        [doc("a", text=f"{OTHER} {start}{OTHER}"), doc("b", text=f"{OTHER} {SWAPPED.replace('school', 'dogs')}")]
    )
    [item] = benchmark(store, QUESTION)
    made = selected(store, Decontaminate(("benchmark",))).manifest
    found = contamination(store, made, 5)
    assert (found.rows, dict(found.items)) == (2, {item: 2})
    by_reason = {one.reason: one for one in found.shown}
    assert by_reason["decontaminate/ngram"].shared == start.strip()
    assert by_reason["decontaminate/template"].item == QUESTION
    assert by_reason["decontaminate/template"].shared.startswith("A baker fills 7 trays")


def test_the_shared_text_of_a_conversation_is_shown():
    turns = (Message("user", "Hello"), Message("assistant", QUESTION))
    store = stored([Conversation(id=row_id("conversation", "test", "a"), source="test", messages=turns)])
    benchmark(store, QUESTION)
    made = selected(store, Decontaminate(("benchmark",))).manifest
    assert contamination(store, made, 1).shown[0].shared == QUESTION.rstrip("?")


def test_the_command_tells_rows_items_and_texts(tmp_path):
    store = stored(
        [doc("a", text=f"{OTHER} {QUESTION}\x1b[31m", url="https://a.example/\x1b[2J"), doc("b", text=OTHER)]
    )
    [item] = benchmark(store, QUESTION)
    selected(store, Decontaminate(("benchmark",)))
    given = ["chosen", "--store", store.url]
    shown = CliRunner().invoke(show_contamination, given, catch_exceptions=False).stdout
    assert "1 rows dropped for 1 items: decontaminate/exact 1" in shown
    assert "\x1b" not in shown
    told = json.loads(CliRunner().invoke(show_contamination, [*given, "--json"], catch_exceptions=False).stdout)
    assert told["items"] == {item.hex(): 1}
    assert told["shown"][0]["item"] == QUESTION
    clean = json.loads(
        CliRunner().invoke(show_contamination, ["pool", "--store", store.url, "--json"], catch_exceptions=False).stdout
    )
    assert clean["rows"] == 0


def test_another_threshold_for_templates_is_answered_from_the_ledger():
    swapped = SWAPPED.replace("school", "dogs")
    store = stored(
        [doc("a", text=f"{OTHER} {swapped}"), doc("b", text=f"{OTHER} {swapped[:90]}"), doc("c", text=OTHER)]
    )
    benchmark(store, QUESTION)
    made = selected(store, Decontaminate(("benchmark",), ngram=30)).manifest
    assert made.rows == 2
    looser = what_if(store, made, "decontaminate/template", 0.99)
    assert (looser.direction, looser.at_step.rows) == ("looser", 1)
    values = series(store, made, 1, "decontaminate/template")
    assert sorted(values["kept"]) == [False, True]


def test_the_report_of_a_decontaminated_dataset_is_written():
    store = stored([doc("a", text=f"{OTHER} {QUESTION}"), doc("b", text=OTHER)])
    benchmark(store, QUESTION)
    page = dataset_page(store, selected(store, Decontaminate(("benchmark",))).manifest, "chosen")
    assert "decontaminate/exact" in page
