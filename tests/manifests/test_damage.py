"""What a source could not give: the run says where, and the ledger keeps the place of all that was never stored."""

from dataclasses import dataclass

import msgspec
import pytest
from click.testing import CliRunner

from koba import main
from manifests import shard
from manifests.damage import MAX_TOLD
from manifests.exchange import import_files
from manifests.explain import why
from manifests.forget import forget
from manifests.history import Decision
from manifests.manifest import Ledger
from manifests.provenance import trace
from manifests.rows import Document, Origin, row_id
from manifests.run import run
from manifests.sampling import sample
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from manifests.watcher import Silent
from tests.manifests.stages import Length, Source

PARTS = MAX_TOLD + 3


class Hears(Silent):
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


@dataclass(frozen=True)
class Torn:
    """A file of which one text can be read, and one record is not wanted; all else is damage."""

    name: str
    parts: int

    @property
    def key(self):
        return [self.name, self.parts]

    @property
    def file(self):
        return self.name

    def rows(self):
        yield Document(id=self.id(0), text="a text of this file", origin=Origin(self.name, 0, 100, "sha256:0"))
        unwanted = Document(id=self.id(1), origin=Origin(self.name, 1000, 100, ""))
        yield Rejected(unwanted, "torn/unwanted")
        for part in range(2, self.parts + 2):
            lost = Document(id=self.id(part), origin=Origin(self.name, part * 1000, 0, ""))
            yield Rejected(lost, "torn/lost", damage="nothing is there\x07")

    def id(self, part):
        return row_id("document", self.name, str(part))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def read(store, *files, steps=()):
    heard = Hears()
    made = run(Recipe("torn", steps), Source(files), store=store, tag="torn", watcher=heard).manifest
    return made, heard.said


def refusals(store, manifest):
    """Return file and offset of each dropped row, by its reason."""
    found = [one.decision for one in sample(store, manifest, 100, 0, dropped=True)]
    return {(one.reason, one.file, one.offset) for one in found}


def test_a_run_warns_of_each_part_of_a_file_that_cannot_be_read_and_of_nothing_else(store):
    _, said = read(store, Torn("a.warc", 2), Torn("b.warc", 0))
    assert said == [
        "warning: a.warc, offset 2,000: torn/lost: nothing is there\\x07",
        "warning: a.warc, offset 3,000: torn/lost: nothing is there\\x07",
    ]


def test_the_same_run_again_warns_again_though_it_makes_nothing(store):
    first, second = (read(store, Torn("a.warc", 1)) for _ in range(2))
    assert first == second
    assert first[1] == ["warning: a.warc, offset 2,000: torn/lost: nothing is there\\x07"]


def test_of_much_damage_the_first_parts_are_told_and_the_others_counted(store):
    _, said = read(store, Torn("a.warc", PARTS), Torn("b.warc", PARTS))
    assert len(said) == MAX_TOLD + 1
    assert all(one.startswith("warning: a.warc, offset ") for one in said[:MAX_TOLD])
    assert said[-1].startswith(f"warning: {2 * PARTS - MAX_TOLD} more parts of the source cannot be read")


def test_a_name_of_a_file_moves_no_cursor(store):
    _, said = read(store, Torn("a\x1b[2J\n.warc", 1))
    assert said == ["warning: a\\x1b[2J .warc, offset 2,000: torn/lost: nothing is there\\x07"]


def test_the_ledger_keeps_where_a_row_was_read_that_was_never_stored(store):
    made, _ = read(store, Torn("a.warc", 1), steps=(Length(max_chars=5),))
    assert refusals(store, made) == {
        ("length/too_long", "a.warc", 0),
        ("torn/unwanted", "a.warc", 1000),
        ("torn/lost", "a.warc", 2000),
    }


def test_rows_of_a_stored_dataset_have_their_origin_in_their_shard_and_not_in_the_ledger(store):
    read(store, Torn("a.warc", 0))
    made = run(Recipe("short", (Length(max_chars=5),)), "torn", store=store).manifest
    [decisions] = made.ledger.decisions
    assert "file" not in shard.read_parquet(store.get(decisions)).column_names
    [dropped] = [one for one in sample(store, made, 9, 0, dropped=True) if one.row]
    assert (dropped.decision.file, dropped.row.origin.file) == (None, "a.warc")


def test_a_ledger_that_was_written_without_places_is_read(store):
    made, _ = read(store, Torn("a.warc", 1))
    [decisions] = made.ledger.decisions
    table = shard.read_parquet(store.get(decisions))
    old = store.put(shard.write_parquet(table.drop_columns(["file", "offset"])))
    [id_] = [one["id"] for one in table.to_pylist() if one["reason"] == "torn/lost"]
    told = why(store, id_, msgspec.structs.replace(made, ledger=Ledger(made.ledger.values, (old,))))
    assert told.steps[-1].decision == Decision(0, "dropped", "torn/lost", None, None, None)
    assert told.steps[-1].decision.place is None


def test_of_a_row_that_is_taken_down_no_place_is_left(store):
    made, _ = read(store, Torn("a.warc", 0))
    forget(store, Torn("a.warc", 0).id(1))
    new = store.manifest("torn")
    assert new.id != made.id
    assert refusals(store, new) == {("forget/takedown", None, None)}


def test_the_way_back_of_a_row_that_was_never_stored_ends_at_its_place_and_nothing_is_read_there(store):
    made, _ = read(store, Torn("a.warc", 1))

    def reread(location, origin):
        raise AssertionError

    way = trace(store, Torn("a.warc", 1).id(2), made, locate=lambda file: f"crawl/{file}", reread=reread)
    assert (way.origin, way.location, way.reading) == (Origin("a.warc", 2000, 0, ""), "crawl/a.warc", None)


def test_commands_show_where_a_row_was_read(store):
    made, _ = read(store, Torn("a.warc", 1))
    [lost] = sample(store, made, 9, 0, reason="torn/lost")
    row_id = lost.row_id.hex()
    for command in (["why", row_id], ["show", "torn", row_id], ["trace", row_id], ["sample", "torn", "--dropped"]):
        told = CliRunner().invoke(main, [*command, "--store", store.url])
        assert "from a.warc, offset 2,000" in told.stdout, told.output


def test_a_file_of_records_that_breaks_off_is_told_with_its_place(store, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{"no text": 1}\n{"tex')
    (tmp_path / "b.json").write_bytes(b'[{"text": "b"}, {"te')
    heard = Hears()
    made = import_files([str(tmp_path / "*.json*")], store=store, tag="d", watcher=heard).manifest
    assert refusals(store, made) == {
        ("import/no_text", "a.jsonl", 14),
        ("import/bad_json", "a.jsonl", 29),
        ("import/cut_off", "b.json", 14),
    }
    assert any(one.startswith("warning: b.json, offset 14: import/cut_off: ") for one in heard.said)
