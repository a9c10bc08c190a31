"""Counts of tokens by a named tokenizer."""

import json
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from manifests.commands import show_version
from manifests.errors import BadRecipe, NotFound
from manifests.lineage import recipe_chain
from manifests.report.page import dataset_page
from manifests.rows import Conversation, Document, Message, Preference
from manifests.run import run
from manifests.stage import Only, Recipe, Stage
from manifests.store import Store
from manifests.token_count import CountTokens, counted
from manifests.tokens import load_tokenizer, texts_of, train_tokenizer
from manifests.view import View
from tests.manifests import small


@pytest.fixture
def tokenizer():
    return train_tokenizer([text for _, _, text in small.NOTES] * 3, vocabulary=400)


@pytest.fixture
def notes(tmp_path):
    return small.Notes(small.write_notes(tmp_path / "notes"))


@dataclass(frozen=True, slots=True)
class Upper(Stage):
    """All in capitals: texts that were so are not changed."""

    def __call__(self, rows):
        for row in rows:
            yield row.replace(text=row.text.upper())


def made_with(tmp_path, notes, tokenizer, *steps):
    """Run `steps` after a count by the file of a tokenizer."""
    file = tmp_path / "their.json"
    file.write_bytes(tokenizer.data)
    store = Store(str(tmp_path / "s"))
    return store, run(Recipe("r", (CountTokens(str(file)), *steps)), notes, store=store, tag="notes").manifest


def test_the_manifest_adds_up_the_tokens_of_each_row(tmp_path, notes, tokenizer):
    store, manifest = made_with(tmp_path, notes, tokenizer)
    rows = list(View(store, manifest))
    assert [row.token_count for row in rows] == [len(ids) for ids in tokenizer.encode_batch([row.text for row in rows])]
    assert manifest.tokens == sum(row.token_count for row in rows) > 100
    assert all(entry.tokens for entry in manifest.entries)


def test_the_step_names_the_tokenizer_by_digest_and_by_its_file_but_not_its_folder(tmp_path, notes, tokenizer):
    store, manifest = made_with(tmp_path, notes, tokenizer)
    assert manifest.steps[1].describe["fields"] == {"tokenizer": tokenizer.digest, "name": "their.json"}
    assert str(tmp_path) not in manifest.body().decode()
    assert load_tokenizer(store, tokenizer.digest).data == tokenizer.data


def test_a_digest_in_the_store_is_a_tokenizer_and_an_unknown_name_is_an_error(tmp_path, notes, tokenizer):
    store = Store(str(tmp_path / "s"))
    tokenizer.save(store)
    made = run(Recipe("r", (CountTokens(tokenizer.digest, "theirs"),)), notes, store=store).manifest
    assert str(counted([made])) == "theirs"
    with pytest.raises(NotFound, match="models/none is no tokenizer"):
        run(Recipe("r", (CountTokens("models/none"),)), notes, store=store)


def test_a_conversation_is_counted_with_its_roles(tmp_path, tokenizer):
    store = Store(str(tmp_path / "s"))
    tokenizer.save(store)
    talk = Conversation(id=bytes(16), messages=(Message("user", "a day"), Message("assistant", "a factory")))
    [row] = CountTokens(tokenizer.digest).within(store)([talk])
    assert (
        row.token_count
        == sum(map(len, tokenizer.encode_batch(texts_of(talk))))
        == len([*tokenizer.encode_batch(["user\na day"])[0], *tokenizer.encode_batch(["assistant\na factory"])[0]])
    )
    with pytest.raises(BadRecipe, match="preference"):
        list(CountTokens(tokenizer.digest).within(store)([Preference(id=bytes(16))]))


def test_batches_give_each_row_its_own_count(tmp_path, tokenizer):
    store = Store(str(tmp_path / "s"))
    tokenizer.save(store)
    rows = [Document(id=n.to_bytes(16), text="day " * n) for n in range(600)]
    assert [row.token_count for row in CountTokens(tokenizer.digest).within(store)(rows)] == [
        len(tokenizer.encode_batch([row.text])[0]) for row in rows
    ]


def test_a_row_that_is_counted_right_is_handed_on_untouched(tmp_path, tokenizer):
    store = Store(str(tmp_path / "s"))
    tokenizer.save(store)
    stage = CountTokens(tokenizer.digest).within(store)
    [once] = stage([Document(id=bytes(16), text="a quiet day")])
    [twice] = stage([once])
    assert twice is once


def test_outside_a_store_there_is_nothing_to_count_with():
    with pytest.raises(BadRecipe, match="outside a store"):
        list(CountTokens("models/x")([Document(id=bytes(16))]))


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (Document(text="a", token_count=1), {"text": "b"}),
        (Conversation(token_count=1), {"messages": (Message("user", "b"),)}),
        (Preference(token_count=1), {"chosen": (Message("user", "b"),)}),
    ],
)
def test_a_changed_payload_has_no_count_and_other_changes_keep_it(row, change):
    assert row.replace(**change).token_count is None
    assert row.derive(**change).token_count is None
    assert row.replace(**change, token_count=7).token_count == 7
    assert row.replace(language="ja", scores={"a": 1.0}).token_count == 1
    assert row.replace(**{name: getattr(row, name) for name in change}).token_count == 1


def test_rows_changed_after_the_count_are_told(tmp_path, notes, tokenizer):
    store, manifest = made_with(tmp_path, notes, tokenizer, Upper())
    rows = list(View(store, manifest))
    unchanged = [row for row in rows if row.token_count is not None]
    assert {row.labels["name"] for row in unchanged} >= {"short-and-loud", "loud", "kanji"}
    told = counted(recipe_chain(store, manifest))
    assert (told.name, told.changed) == ("their.json", len(rows) - len(unchanged))
    assert str(told) == f"their.json; {told.changed} rows were changed after the count"


def test_only_one_language_can_be_counted(tmp_path, notes, tokenizer):
    store = Store(str(tmp_path / "s"))
    tokenizer.save(store)
    made = run(Recipe("r", (Only("ja", CountTokens(tokenizer.digest, "t")),)), notes, store=store).manifest
    assert {row.language for row in View(store, made) if row.token_count} == {"ja"}
    assert counted([made]).name == "t"


def test_show_and_report_name_tokens_and_tokenizer(tmp_path, notes, tokenizer):
    store, manifest = made_with(tmp_path, notes, tokenizer)
    shown = CliRunner().invoke(show_version, ["notes", "--store", store.url])
    assert f"tokens   {manifest.tokens:,} (their.json)" in shown.output
    as_json = json.loads(CliRunner().invoke(show_version, ["notes", "--store", store.url, "--json"]).output)
    assert as_json["entries"][0]["tokens"] == manifest.entries[0].tokens
    assert "tokens (their.json)" in dataset_page(store, manifest, "notes")
