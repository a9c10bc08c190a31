import pytest

pytest.importorskip("datatrove")
pytest.importorskip("spacy", reason="datatrove splits words with spaCy")

from datatrove.data import Document as Peer
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.formatters.base import BaseFormatter

from filters.datatrove_stage import DatasetReader, Datatrove
from manifests import canonical
from manifests.errors import BadRecipe, BadRow, BadSource
from manifests.rows import Conversation, Document, Row, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from tests.sources import OneUnit

PROSE = "The ferry leaves at nine, and it does not wait for those who have to be late. "


class Harbour(OneUnit):
    """A source of rows that were given."""

    file = "harbour"

    def __init__(self, *rows: Row) -> None:
        self.given = rows
        self.key = [row.hex for row in rows]

    def rows(self):
        return iter(self.given)


class Marks(BaseFilter):
    """Writes what a filter may write."""

    name = "marks"

    def filter(self, doc):
        doc.metadata |= {"language": "en", "language_score": 0.75, "topic": "ships", "edu": 2.123456, "long": True}
        return True


class Odd(BaseFilter):
    name = "odd"

    def filter(self, doc):
        doc.metadata["found"] = ["a", "list"]
        return True


class SilentNo(BaseFilter):
    name = "no"

    def filter(self, _doc):
        return False


class Batched(BaseFilter):
    name = "batched"

    def filter(self, _doc):
        return True

    def filter_batch(self, batch):
        return [True for _ in batch]


class Streamed(BaseFormatter):
    name = "streamed"

    def format(self, text):
        return text

    def run(self, data, *_ranks):
        yield from data


def doc(text: str, **columns) -> Document:
    return Document(id=row_id("document", "harbour", text), text=text, **columns)


def outcome(stage: Datatrove, row: Document) -> Row | Rejected:
    [found] = stage([row])
    return found


@pytest.mark.parametrize(
    ("block", "options", "text", "expected"),
    [
        ("GopherQualityFilter", {}, PROSE * 6, None),
        ("GopherQualityFilter", {}, PROSE, "datatrove/gopher_short_doc"),
        ("GopherQualityFilter", {"min_doc_words": 5}, PROSE, None),
        ("C4QualityFilter", {}, PROSE, "datatrove/too_few_sentences"),
        ("C4QualityFilter", {}, "{ it } is so. " * 6, "datatrove/curly_bracket"),
        ("FineWebQualityFilter", {}, PROSE.strip(), None),
        ("FineWebQualityFilter", {}, "short\n" * 9, "datatrove/line_punct_ratio"),
        ("C4ParagraphFilter", {}, PROSE, "datatrove/3_paragraphs"),  # its own words: "< 3 paragraphs"
        (f"{__name__}.SilentNo", {}, PROSE, "datatrove/silent_no"),
    ],
)
def test_a_filter_refuses_for_its_own_reason(block, options, text, expected):
    found = outcome(Datatrove(block, options, release="1"), doc(text))
    assert (found.reason if isinstance(found, Rejected) else None) == expected


def test_a_filter_that_drops_lines_alters_the_row_under_its_id():
    row = doc(f"a heading\n{PROSE * 5}")
    found = outcome(Datatrove("C4QualityFilter"), row)
    assert (found.id, found.text) == (row.id, (PROSE * 5).strip())


def test_a_formatter_alters_the_row_and_forgets_the_row_before_it():
    rows = [doc("write to a@b.jp"), doc("or to c@d.jp"), doc("or to nobody")]
    first, second, third = Datatrove("PIIFormatter")(rows)
    assert (first.text, second.text) == ("write to email@example.com", "or to email@example.com")
    assert first.id == rows[0].id
    assert third is rows[2]


def test_what_a_filter_writes_goes_into_columns_labels_and_scores():
    row = doc("text", labels={"title": "A"}, scores={"old": 1.0})
    found = outcome(Datatrove(f"{__name__}.Marks", release="1"), row)
    assert (found.language, found.language_score) == ("en", 0.75)
    assert found.labels == {"title": "A", "topic": "ships"}
    assert found.scores == {"old": 1.0, "edu": 2.1235, "long": 1.0}
    assert row.scores == {"old": 1.0}


def test_what_no_column_takes_is_an_error():
    with pytest.raises(BadRow, match=r"Odd wrote \['found'\]"):
        outcome(Datatrove(f"{__name__}.Odd", release="1"), doc("text"))


@pytest.mark.parametrize(
    ("block", "options", "message"),
    [
        (f"{__name__}.Batched", {}, "works on batches"),
        (f"{__name__}.Streamed", {}, "on a whole stream"),
        ("GopherQualityFilter", {"batch_size": 8}, "leave batch_size out"),
        ("SamplerFilter", {"rate": 0.5}, "draws by chance"),
        ("C4BadWordsFilter", {"keep_fraction": 0.1}, "draws by chance"),
        ("GopherQualityFilter", {"exclusion_writer": None}, "the ledger keeps every refusal"),
        ("LambdaFilter", {"filter_function": print}, "no canonical form"),
        ("datatrove.pipeline.dedup.MinhashDedupFilter", {}, "neither a filter nor a formatter"),
        ("datatrove.pipeline.readers.JsonlReader", {}, "neither a filter nor a formatter"),
        ("GopherQualityFliter", {}, "there is no class"),
        ("nowhere.Filter", {}, "cannot be imported"),
    ],
)
def test_what_cannot_be_a_stage_is_refused_before_it_runs(block, options, message):
    with pytest.raises(BadRecipe, match=message):
        canonical.encode(Datatrove(block, options, release="1"))


def test_options_that_the_class_does_not_know_are_an_error():
    with pytest.raises(BadRecipe, match="cannot be made"):
        outcome(Datatrove("GopherQualityFilter", {"min_words": 3}), doc("text"))


def test_the_identity_is_class_options_and_versions():
    short, whole = Datatrove("GopherQualityFilter"), Datatrove("datatrove.pipeline.filters.GopherQualityFilter")
    assert canonical.digest(short) == canonical.digest(whole)
    assert canonical.digest(short) != canonical.digest(Datatrove("GopherQualityFilter", {"min_doc_words": 3}))
    described = short.describe()
    assert described["fields"]["block"] == "datatrove.pipeline.filters.gopher_quality_filter.GopherQualityFilter"
    assert described["libraries"].keys() >= {"datatrove", "spacy"}


def test_a_class_without_a_distribution_needs_a_release(monkeypatch):
    monkeypatch.setattr("filters.datatrove_stage._distributions", dict)
    with pytest.raises(BadRecipe, match="give a release"):
        canonical.encode(Datatrove(f"{__name__}.Marks"))
    first, second = (canonical.digest(Datatrove(f"{__name__}.Marks", release=release)) for release in "12")
    assert first != second


def test_its_refusals_stand_in_the_ledger():
    store = Store("memory://datatrove")
    rows = (doc(PROSE), doc(PROSE * 8))
    made = run(Recipe("x", (Datatrove("GopherQualityFilter"),)), Harbour(*rows), store=store).manifest
    step = made.steps[1]
    assert (step.stage, step.reasons) == ("Datatrove GopherQualityFilter", {"datatrove/gopher_short_doc": 1})


@pytest.fixture
def dataset(tmp_path) -> str:
    store = Store(str(tmp_path / "store"))
    extra = {"url": "http://example.jp/", "language": "ja", "licence": "CC0-1.0", "scores": {"edu": 0.5}}
    rows = [doc(f"text {number}", labels={"title": str(number)}, **extra) for number in range(10)]
    run(Recipe("x", ()), Harbour(*rows), store=store, tag="harbour")
    run(Recipe("x", ()), Harbour(Conversation(id=b"1" * 16)), store=store, tag="chats")
    return store.url


def test_a_dataset_is_a_source_of_a_pipeline(dataset):
    before = Peer(text="before", id="0")
    found = list(DatasetReader(dataset, "harbour")([before]))
    assert [peer.text for peer in found] == ["before", *(f"text {number}" for number in range(10))]
    metadata = found[1].metadata
    assert found[1].id == row_id("document", "harbour", "text 0").hex()
    assert {name: metadata[name] for name in ("url", "language", "licence", "title", "scores")} == {
        "url": "http://example.jp/",
        "language": "ja",
        "licence": "CC0-1.0",
        "title": "0",
        "scores": {"edu": 0.5},
    }


@pytest.mark.parametrize("ranks", [1, 3, 20])
def test_ranks_share_a_dataset_and_each_row_is_read_once(dataset, ranks):
    found = [peer.text for rank in range(ranks) for peer in DatasetReader(dataset, "harbour").run(None, rank, ranks)]
    assert sorted(found) == sorted(f"text {number}" for number in range(10))


def test_a_limit_holds_for_each_rank(dataset):
    assert len(list(DatasetReader(dataset, "harbour", limit=3)())) == 3
    assert list(DatasetReader(dataset, "harbour", limit=0)()) == []


def test_datatrove_reads_documents_only(dataset):
    with pytest.raises(BadSource, match="kind 'conversation'"):
        list(DatasetReader(dataset, "chats")())
