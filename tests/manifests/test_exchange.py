import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from manifests import exchange, shard
from manifests.card import code, features
from manifests.errors import BadRecipe, BadSource, StoreFailed
from manifests.exchange import export, import_files
from manifests.foreign import Reading
from manifests.readable import form_of, names_in
from manifests.rows import Conversation, Document, Message, Origin, Preference, Tokens, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from manifests.watcher import Silent
from tests.manifests.stages import Copies, Length, SameLast, Shout, Source, numbers

PLACE = Origin("f.jsonl", 0, 0, "sha256:0")
TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
HI, HELLO = Message("user", "hi"), Message("assistant", "hello")


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


class Hears(Silent):
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


class Given:
    """A unit of these rows."""

    def __init__(self, *rows):
        self.given = rows

    file = "given"

    @property
    def key(self):
        return [row.hex for row in self.given]

    def rows(self):
        return iter(self.given)


def kept(store, *rows, tag="kept"):
    return run(Recipe("kept", ()), Source((Given(*rows),)), store=store, tag=tag).manifest


def write(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    data = b"\n".join([*lines, b""])
    if path.suffix == ".gz":
        data = gzip.compress(data)
    if path.suffix == ".zst":
        with pa.CompressedOutputStream(str(path), "zstd") as file:
            file.write(data)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        path.write_bytes(data)
    return str(path)


def rows(store, name="d"):
    return list(View(store, store.manifest(name)))


def imported(store, *paths, tag="d", **options):
    return import_files([str(path) for path in paths], store=store, tag=tag, **options).manifest


def read(record, kind="document", **options):
    return Reading(kind, "here", **options).row(record, PLACE, "digest/0")


# Records


def test_columns_named_as_in_fineweb_become_fields_and_the_others_labels():
    row = read(
        {
            "text": "a page",
            "id": "<urn:uuid:1>",
            "dump": "CC-MAIN-2024-10",
            "url": "http://a.example/",
            "date": "2024-02-25T00:00:00Z",
            "file_path": "s3://x/y.warc.gz",
            "language": "en",
            "language_score": 0.98,
            "token_count": 2,
        }
    )
    assert row == Document(
        id=row_id("document", "here", "<urn:uuid:1>"),
        source="here",
        url="http://a.example/",
        date="2024-02-25T00:00:00Z",
        language="en",
        language_score=0.98,
        token_count=2,
        origin=PLACE,
        labels={"dump": "CC-MAIN-2024-10", "file_path": "s3://x/y.warc.gz"},
        text="a page",
    )


def test_what_is_in_no_column_of_ours_becomes_a_label_as_text():
    row = read(
        {"text": "a", "stars": 3, "meta": {"b": [1]}, "fine": True, "none": None, "url": 5, "labels": {"k": "v"}}
    )
    assert row.labels == {"k": "v", "stars": "3", "meta": '{"b": [1]}', "fine": "true", "url": "5"}
    assert read({"text": "a", "k": "column", "labels": {"k": "label"}}).labels == {"k": "label", "k_": "column"}


def test_columns_to_drop_are_left_out_and_the_text_may_have_another_name():
    assert read({"content": "a", "meta": {}}, text="content", drop=("meta",)).labels == {}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "import/no_text"),
        ({"text": " \n"}, "import/no_text"),
        ({"text": None}, "import/no_text"),
        ({"text": 5}, "import/bad_type"),
        ({"text": "a", "id": [1]}, "import/bad_type"),
        ({"text": "a", "id": True}, "import/bad_type"),
        ({"text": "a", "id": "\ud800"}, "import/bad_type"),
        ({"text": "a", "source": "\ud800"}, "import/bad_type"),
    ],
)
def test_a_record_that_is_no_document_is_refused_with_a_reason(record, reason):
    assert read(record).reason == reason


def test_a_record_without_an_id_is_named_by_its_file_and_place_and_one_with_an_id_is_not():
    nameless = [Reading("document", "s").row({"text": "a"}, PLACE, f"digest/{n}").id for n in range(2)]
    assert nameless == [row_id("document", "s", "digest/0"), row_id("document", "s", "digest/1")]
    assert read({"text": "a", "id": 7}).id == row_id("document", "here", "7")
    assert read({"text": "a", "id": 7, "source": "wiki"}).id == row_id("document", "wiki", "7")


@pytest.mark.parametrize(
    "record",
    [
        {"messages": TURNS},
        {"conversation": TURNS},
        {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]},
    ],
)
def test_turns_are_read_in_the_forms_that_are_common(record):
    assert read(record, "conversation").messages == (HI, HELLO)


def test_what_else_a_turn_holds_becomes_a_label():
    row = read({"messages": [{"role": "user", "content": "hi", "country": "JP", "toxic": None}]}, "conversation")
    assert row.labels == {"messages": '[{"country": "JP"}]'}


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "import/no_text"),
        ("hi", "import/bad_type"),
        (["hi"], "import/bad_type"),
        ([{"role": "user"}], "import/bad_type"),
        ([{"role": "user", "content": [{"type": "image"}]}], "import/bad_type"),
    ],
)
def test_turns_that_cannot_be_read_are_refused(turns, reason):
    assert read({"messages": turns}, "conversation").reason == reason


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "hi", "chosen": "hello", "rejected": "no"},
        {"prompt": TURNS[:1], "chosen": TURNS[1:], "rejected": [{"role": "assistant", "content": "no"}]},
        {"prompt": "hi", "chosen": TURNS, "rejected": [TURNS[0], {"role": "assistant", "content": "no"}]},
        {"chosen": TURNS, "rejected": [TURNS[0], {"role": "assistant", "content": "no"}]},
    ],
)
def test_preferences_are_read_in_the_forms_that_are_common(record):
    row = read(record, "preference")
    assert (row.prompt, row.chosen, row.rejected) == ((HI,), (HELLO,), (Message("assistant", "no"),))


def test_tokens_are_whole_numbers_that_fit():
    assert read({"input_ids": [1, 2]}, "tokens").input_ids == (1, 2)
    for ids in ([-1], [2**31], [1.0], "12"):
        assert read({"input_ids": ids}, "tokens").reason == "import/bad_type"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2)
)
NAMES = st.sampled_from(["text", "id", "url", "labels", "scores", "token_count", "date", "hash", "parents", "origin"])


@given(st.dictionaries(NAMES, VALUES))
def test_any_record_is_a_row_or_a_reject(record):
    row = read(record)
    assert isinstance(row, Document) or row.reason in {"import/no_text", "import/bad_type"}


# Files


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.parquet", "a.ndjson", "a.json"])
def test_every_kind_of_file_is_read(store, tmp_path, name):
    imported(store, write(tmp_path / name, {"id": "1", "text": "one"}, {"id": "2", "text": "two"}))
    assert [row.text for row in rows(store)] == ["one", "two"]
    assert {row.origin.file for row in rows(store)} == {name}
    assert rows(store)[0].id == row_id("document", "d", "1")
    assert store.manifest("d").sources[0].file == name


def test_a_folder_in_the_layout_of_hugging_face_is_read_whole(store, tmp_path):
    for n in range(2):
        write(tmp_path / "hf" / "data" / f"train-{n:05}-of-00002.parquet", {"text": f"row {n}"})
    write(tmp_path / "hf" / ".cache" / "x.jsonl", {"text": "no"})
    (tmp_path / "hf" / "README.md").write_text("# card")
    imported(store, tmp_path / "hf")
    assert {row.text: row.origin.file for row in rows(store)} == {
        f"row {n}": f"data/train-{n:05}-of-00002.parquet" for n in range(2)
    }


def test_globs_are_read_and_urls_too(store, tmp_path):
    import fsspec

    write(tmp_path / "a.jsonl", {"text": "a"})
    write(tmp_path / "b.jsonl", {"text": "b"})
    fsspec.filesystem("memory").pipe("/there/c.jsonl", b'{"text": "c"}\n')
    imported(store, tmp_path / "*.jsonl", "memory://there/c.jsonl")
    assert [row.text for row in rows(store)] == ["a", "b", "c"]


def test_broken_lines_are_refused_one_by_one_and_the_run_goes_on(store, tmp_path):
    path = write(tmp_path / "a.jsonl", {"text": "a"}, b"{", b"[1]", b"", b"\xff", b"[" * 100_000, {"text": "b"})
    made = imported(store, path, watcher=(heard := Hears()))
    assert [row.text for row in rows(store)] == ["a", "b"]
    assert made.steps[0].reasons == {"import/bad_json": 4}
    assert heard.said == ["4 of 6 records were refused: import/bad_json 4"]


def test_a_line_that_is_too_long_is_skipped(store, tmp_path, monkeypatch):
    monkeypatch.setattr("manifests.datafile.MAX_LINE_BYTES", 1000)
    path = write(tmp_path / "a.jsonl", {"text": "a"}, {"text": "x" * 100_000}, {"text": "b"})
    assert imported(store, path).steps[0].reasons == {"import/too_long": 1}
    assert [row.text for row in rows(store)] == ["a", "b"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_that_breaks_off_gives_what_comes_before_and_a_reject(store, tmp_path, suffix):
    texts = [row_id("document", "t", str(n)).hex() * 40 for n in range(2000)]
    path = Path(write(tmp_path / f"a.jsonl{suffix}", *[{"text": text} for text in texts]))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    made = imported(store, path, write(tmp_path / "b.jsonl", {"text": "whole"}))
    assert made.steps[0].reasons == {"import/cut_off": 1}
    found = [row.text for row in rows(store)]
    assert found[-1] == "whole"
    assert found[:-1] == texts[: len(found) - 1]
    assert len(found) > 100


def test_a_damaged_parquet_file_costs_its_own_rows_only(store, tmp_path):
    good = write(tmp_path / "a.parquet", {"text": "good"})
    (tmp_path / "b.parquet").write_bytes(Path(good).read_bytes()[:-10])
    assert imported(store, tmp_path / "*.parquet").steps[0].reasons == {"import/bad_file": 1}
    assert [row.text for row in rows(store)] == ["good"]


def test_a_damaged_row_group_costs_its_own_rows_only(store, tmp_path):
    table = pa.table({"text": [f"text number {n}" for n in range(30)]})
    plain = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=10, **plain)
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data.replace(b"text number 15", b"text number 95", 1))
    made = imported(store, tmp_path / "a.parquet")
    assert made.steps[0].reasons == {"import/bad_file": 1}
    assert [row.text for row in rows(store)] == [f"text number {n}" for n in [*range(10), *range(20, 30)]]


@pytest.mark.parametrize("part_bytes", [7, 50, 10_000])
def test_a_large_file_is_read_in_parts_and_no_line_is_lost_or_read_twice(store, tmp_path, monkeypatch, part_bytes):
    monkeypatch.setattr("manifests.datafiles.PART_BYTES", part_bytes)
    path = write(tmp_path / "a.jsonl", *[{"text": "x" * (n % 7) + str(n)} for n in range(20)])
    made = import_files([path], store=store, tag="d")
    assert [row.text for row in rows(store)] == ["x" * (n % 7) + str(n) for n in range(20)]
    assert (made.made > 1) == (part_bytes < 500)
    monkeypatch.setattr("manifests.datafiles.PART_BYTES", 2**20)
    assert imported(store, path).content == made.manifest.content


def test_row_groups_are_read_in_parts(store, tmp_path, monkeypatch):
    monkeypatch.setattr("manifests.datafiles.PART_BYTES", 1)
    pq.write_table(pa.table({"text": [str(n) for n in range(25)]}), tmp_path / "a.parquet", row_group_size=10)
    made = import_files([str(tmp_path / "a.parquet")], store=store, tag="d")
    assert (made.made, [row.text for row in rows(store)]) == (3, [str(n) for n in range(25)])


def test_times_decimals_and_maps_of_parquet_become_texts(store, tmp_path):
    from datetime import UTC, datetime
    from decimal import Decimal

    table = pa.table(
        {
            "text": ["a"],
            "date": pa.array([datetime(2024, 1, 2, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
            "price": [Decimal("1.50")],
            "raw": [b"\x01"],
            "scores": pa.array([[("edu", 0.5)]], pa.map_(pa.string(), pa.float64())),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    imported(store, tmp_path / "a.parquet")
    (row,) = rows(store)
    assert (row.date[:10], row.scores, row.labels) == ("2024-01-02", {"edu": 0.5}, {"price": "1.50", "raw": '"01"'})


def test_the_same_files_again_make_nothing_and_another_folder_changes_nothing(store, tmp_path):
    first = import_files([write(tmp_path / "a.jsonl", {"text": "a"})], store=store, tag="d")
    again = import_files([write(tmp_path / "other" / "a.jsonl", {"text": "a"})], store=store, tag="d")
    assert (again.made, again.manifest.id) == (0, first.manifest.id)


def test_what_becomes_a_label_is_told_before_the_run(store, tmp_path):
    path = write(tmp_path / "a.jsonl", {"text": "a", "topic": "x", "url": "u"})
    imported(store, path, watcher=(heard := Hears()))
    assert heard.said == ["columns that become labels: topic (--drop COLUMN leaves one out)"]


def test_several_splits_are_told(store, tmp_path):
    for split in ("train", "test"):
        write(tmp_path / f"{split}-00000-of-00001.parquet", {"text": split})
    imported(store, tmp_path / "*.parquet", watcher=(heard := Hears()))
    assert heard.said == ["several splits become one dataset: test, train; name files to take only some"]


def test_files_that_cannot_be_used_at_all_are_errors_that_say_what_to_do(store, tmp_path):
    text = write(tmp_path / "text.jsonl", {"text": "a"})
    cases = {
        (tmp_path / "none.jsonl",): "no such file",
        (write(tmp_path / "a.txt"),): "neither JSON nor Parquet",
        (write(tmp_path / "no.jsonl", {"body": "a"}),): "--text COLUMN",
        (text, write(tmp_path / "chat.jsonl", {"messages": TURNS})): "import them apart",
        (text, write(tmp_path / "x" / "text.jsonl", {"text": "b"})): "both named text.jsonl",
    }
    for paths, what in cases.items():
        with pytest.raises(BadSource, match=what):
            imported(store, *paths)
    with pytest.raises(BadRecipe, match="no kind of row"):
        imported(store, text, kind="poem")


def test_an_empty_file_is_an_empty_dataset(store, tmp_path):
    (tmp_path / "a.jsonl").touch()
    assert imported(store, tmp_path / "a.jsonl").rows == 0


# Out


def every_kind():
    facts = {
        "source": "made up",
        "url": "http://a.example/|`<script>",
        "date": "2024",
        "language": "ja",
        "language_score": 0.9876,
        "token_count": 3,
        "licence": "CC-BY-4.0",
        "origin": Origin("crawl-data/a.warc.gz", 1, 2, "sha256:3"),
        "parents": (b"p" * 16,),
        "call": b"c" * 32,
        "scores": {"edu": 0.1234, "toxic": 1.5},
        "labels": {"topic": "x"},
    }
    odd = Message("human", "hi")
    return {
        "document": [Document(id=b"1" * 16, text="日本語\n\u2028", **facts), Document(id=b"2" * 16, text="")],
        "conversation": [Conversation(id=b"1" * 16, messages=(odd, HELLO), **facts)],
        "preference": [Preference(id=b"1" * 16, prompt=(), chosen=(odd, HELLO), rejected=(odd,), **facts)],
        "tokens": [Tokens(id=b"1" * 16, input_ids=(1, 2, 2**31 - 1), **facts)],
    }


@pytest.mark.parametrize("kind", every_kind())
@pytest.mark.parametrize(
    "layout", [layout for layout in exchange.LAYOUTS if layout != "trl"]
)  # which leaves columns out
def test_what_goes_out_and_comes_in_again_is_the_same_dataset(store, tmp_path, kind, layout):
    made = kept(store, *every_kind()[kind])
    export(store, "kept", tmp_path / "out", layout=layout)
    back = imported(store, tmp_path / "out")
    assert (back.kind, back.content) == (kind, made.content)
    assert [row.replace(origin=None) for row in rows(store)] == [
        row.replace(origin=None) for row in rows(store, "kept")
    ]
    assert rows(store)[0].origin == rows(store, "kept")[0].origin


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOCUMENTS = st.builds(
    Document,
    id=st.binary(min_size=16, max_size=16),
    text=TEXT,
    source=TEXT,
    url=st.none() | TEXT,
    licence=st.none() | TEXT,
    parents=st.lists(st.binary(min_size=16, max_size=16), max_size=2).map(tuple),
    scores=st.dictionaries(TEXT, st.floats(-100, 100).map(lambda value: round(value, 4) + 0.0), max_size=2),
    labels=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(st.lists(DOCUMENTS, min_size=1, max_size=3))
def test_any_row_comes_back_as_it_was_from_json_and_from_parquet(documents):
    table = shard.encode(documents)
    form = form_of("document", [names_in(table)])
    sink = pa.BufferOutputStream()
    pq.write_table(form.table(table), sink)
    written = pq.read_table(pa.BufferReader(sink.getvalue())).to_pylist()
    for records in (written, [json.loads(line) for line in form.lines(table).splitlines()]):
        back = [Reading("document", "").row(record, PLACE, "") for record in records]
        assert shard.encode(back).equals(table)


def test_masks_are_applied_and_each_shard_is_a_file(store, tmp_path):
    made = run(Recipe("r", (Shout(), SameLast())), numbers(0, 10, 20), store=store, tag="r").manifest
    done = export(store, "r", tmp_path / "out", layout="jsonl")
    assert done.files == ("train-00000-of-00002.jsonl", "train-00001-of-00002.jsonl")[: len(done.files)]
    texts = [json.loads(line)["text"] for path in done.files for line in (done.folder / path).open()]
    assert texts == [row.text for row in rows(store, "r")]
    assert (done.rows, done.manifest) == (made.rows, made.id)


def test_json_lines_are_plain_json(store, tmp_path):
    kept(store, *every_kind()["document"])
    export(store, "kept", tmp_path / "out", layout="jsonl")
    first, second = map(json.loads, (tmp_path / "out/train-00000-of-00001.jsonl").open())
    assert list(first)[:2] == ["id", "text"]
    assert first["id"] == (b"1" * 16).hex()
    assert first["scores"] == {"edu": 0.1234, "toxic": 1.5}
    assert first["parents"] == [(b"p" * 16).hex()]
    assert first["origin"] == {"file": "crawl-data/a.warc.gz", "offset": 1, "length": 2, "digest": "sha256:3"}
    assert (second["labels"], second["url"]) == ({}, None)


def test_parquet_has_readable_types(store, tmp_path):
    kept(store, *every_kind()["document"])
    export(store, "kept", tmp_path / "out", layout="parquet")
    schema = pq.read_schema(tmp_path / "out/train-00000-of-00001.parquet")
    assert [str(schema.field(name).type) for name in ("id", "hash", "scores", "labels")] == [
        "string",
        "string",
        "struct<edu: float, toxic: float>",
        "struct<topic: string>",
    ]


def test_too_many_names_of_labels_are_no_columns(store, tmp_path):
    labels = {f"label {n}": "x" for n in range(1001)}
    kept(store, Document(id=b"1" * 16, text="a", labels=labels))
    with pytest.raises(BadSource, match="--format jsonl"):
        export(store, "kept", tmp_path / "out")
    export(store, "kept", tmp_path / "out", layout="jsonl")


def test_an_empty_dataset_is_exported_with_its_columns(store, tmp_path):
    run(Recipe("r", (Length(0),)), numbers(0, 3), store=store, tag="none")
    export(store, "none", tmp_path / "out")
    assert pq.read_table(tmp_path / "out/data/train-00000-of-00001.parquet").num_rows == 0


def test_an_earlier_export_is_replaced_and_nothing_else_is(store, tmp_path, monkeypatch):
    kept(store, Document(id=b"1" * 16, text="first"))
    out = tmp_path / "out"
    export(store, "kept", out, layout="jsonl")
    kept(store, Document(id=b"2" * 16, text="second"))
    export(store, "kept", out, layout="jsonl")
    assert "second" in (out / "train-00000-of-00001.jsonl").read_text()
    (out / "mine.txt").touch()
    with pytest.raises(BadSource, match="--overwrite"):
        export(store, "kept", out)
    export(store, "kept", out, overwrite=True)
    assert not (out / "mine.txt").exists()
    monkeypatch.chdir(out / "data")
    for folder in (out, tmp_path, tmp_path / "store"):
        with pytest.raises(BadSource):
            export(store, "kept", folder, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]


def test_an_export_that_fails_leaves_the_folder_as_it_was(store, tmp_path):
    kept(store, *every_kind()["document"])
    out = tmp_path / "out"
    export(store, "kept", out, layout="jsonl")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code_ = (
        "import resource, signal, sys; from manifests.exchange import export; from manifests.store import Store;"
        "from manifests.errors import StoreFailed;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try: export(Store(sys.argv[1]), 'kept', sys.argv[2])\n"
        "except StoreFailed as error: print(error); sys.exit(7)"
    )
    arguments = [sys.executable, "-c", code_, store.url, str(out)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, "free some space" in done.stdout) == (7, True), done.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed):
        export(store, "kept", tmp_path / "file" / "out")


def test_what_is_no_layout_is_refused(store, tmp_path):
    kept(store, *every_kind()["document"])
    with pytest.raises(BadRecipe, match="hf, jsonl, parquet"):
        export(store, "kept", tmp_path / "out", layout="csv")


# The card


def card(store, tmp_path, name="kept"):
    export(store, name, tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    head, body = text.removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(head), body


def test_the_card_tells_machines_what_the_dataset_is(store, tmp_path):
    made = kept(store, *every_kind()["document"])
    head, _ = card(store, tmp_path)
    info = head.pop("dataset_info")
    assert head == {
        "pretty_name": "kept",
        "language": ["ja"],
        "license": ["cc-by-4.0", "unknown"],
        "size_categories": ["n<1K"],
        "tags": ["koba", "document"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*"}]}],
    }
    assert info["splits"][0]["num_examples"] == made.rows
    assert {"name": "parents", "list": "string"} in info["features"]


def test_the_card_tells_people_how_it_was_made(store, tmp_path):
    made = run(Recipe("r", (Length(20), Copies(2))), numbers(0, 20), store=store, tag="made/of-numbers").manifest
    _, body = card(store, tmp_path, "made/of-numbers")
    for part in (
        "# made/of-numbers\n",
        "| `Length` | 20 | 10 | 10 | 0 | 0 | `length/too_long` 10 |",
        '- `Length`: `{"max_chars": 20}`',
        "- `numbers`: 20 rows",
        "- not known: 20 rows",
        "| `id` | `string` | stable id of the row",
        f"Manifest `{made.id}`",
        "    koba export made/of-numbers FOLDER --format hf",
    ):
        assert part in body


def test_the_command_in_the_card_names_no_store_and_no_folder(store, tmp_path, monkeypatch):
    argv = ["/home/someone/bin/koba", "run", "web", "/home/someone/a b.warc.gz", "--store", "s3://private", "--limit=3"]
    monkeypatch.setattr(sys, "argv", argv)
    kept(store, *every_kind()["document"])
    _, body = card(store, tmp_path)
    assert "    koba run web 'a b.warc.gz' --limit=3\n" in body
    assert "someone" not in body
    assert "private" not in body


def test_nothing_from_the_data_is_markup_in_the_card(store, tmp_path):
    evil = "`</code><script>alert(1)</script>|\n---\n# [x](http://evil.example) \x1b[31m\u202e"
    kept(store, Document(id=b"1" * 16, text="a", source=evil, licence=evil, language=evil, labels={evil: evil}))
    head, body = card(store, tmp_path)
    assert head["license"] == ["other"]
    assert head["language"] == ["und"]
    outside = "".join(body.split("`")[::2])
    assert body.count("`") % 2 == 0
    assert "<script>" not in outside
    assert "evil" not in outside
    assert "\x1b" not in body
    assert "\u202e" not in body


@given(st.text())
def test_a_code_span_never_ends_early(text):
    shown = code(text)
    assert shown.count("`") in {0, 2}
    assert "\n" not in shown


@pytest.mark.parametrize("kind", every_kind())
def test_hugging_face_loads_an_export_with_the_columns_of_its_card(store, tmp_path, kind, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")
    made = kept(store, *every_kind()[kind])
    export(store, "kept", tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    schema = pq.read_schema(tmp_path / "out/data/train-00000-of-00001.parquet")
    expected = datasets.Features.from_arrow_schema(schema)
    assert (loaded.num_rows, loaded.features) == (made.rows, expected)
    assert features(schema) == expected._to_yaml_list()
    assert loaded[0]["id"] == (b"1" * 16).hex()
    assert loaded[0]["scores"]["edu"] == pytest.approx(0.1234)
