"""The rules of C4 and FineWeb beside datatrove's, equal on real pages; and the pages where Gopher's are not."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.c4 import C4Quality
from filters.fineweb import END_MARKS, FineWebQuality
from filters.fineweb2 import FineWeb2Japanese
from filters.gopher import GopherQuality, GopherRepetition
from manifests.rows import Document
from manifests.stage import Rejected, Stage
from tests.filters.golden import read
from tests.filters.judging import reason

pytest.importorskip("spacy", reason="datatrove splits words with spaCy")
peer = pytest.importorskip("datatrove.pipeline.filters")
Peer = pytest.importorskip("datatrove.data").Document

PAGES = Path(__file__).parents[2].parent / "shared" / "data" / "wcxb-dev" / "wcxb-dev.gold.jsonl.gz"
MAX_CHARS, EVERY = 6_000, 5  # of the shorter pages: spaCy takes 20 ms for each
THEIRS = {  # what datatrove calls our reasons
    "c4/few_sentences": "too_few_sentences",
    "c4/curly_brackets": "curly_bracket",
    "c4/lorem_ipsum": "lorem_ipsum",
    "fineweb/no_lines": "empty",
    "fineweb/few_ended_lines": "line_punct_ratio",
    "fineweb/many_short_lines": "short_line_ratio",
    "fineweb/duplicate_line_chars": "char_dup_ratio",
    "fineweb/list": "list_ratio",
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    if not PAGES.exists():
        pytest.skip(f"{PAGES} is not here")
    with gzip.open(PAGES, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return {page["file_id"]: page["main_content"] or "" for page in found}


def ours(stage: Stage, text: str) -> tuple[str | None, str]:
    [found] = stage([Document(text=text)])
    return (THEIRS[found.reason], "") if isinstance(found, Rejected) else (None, found.row.text)


def theirs(block: object, text: str) -> tuple[str | None, str]:
    doc = Peer(text=text, id="")
    found = block.filter(doc)
    return (None, doc.text) if found is True else (found[1], "")


PAIRS = {
    "c4": (C4Quality(), peer.C4QualityFilter),
    "c4 without the ends of lines": (
        C4Quality(end_marks=()),
        lambda: peer.C4QualityFilter(filter_no_terminal_punct=False),
    ),
    "fineweb": (FineWebQuality(), peer.FineWebQualityFilter),
}


@pytest.mark.parametrize("name", PAIRS)
def test_verdicts_reasons_and_texts_are_datatroves(name, pages):
    stage, make = PAIRS[name]
    block = make()
    texts = [text for text in pages.values() if len(text) <= MAX_CHARS][::EVERY] + list(read()["texts"].values())
    assert [ours(stage, text) for text in texts] == [theirs(block, text) for text in texts]


WORDS = [
    "The mill",
    "turns.",
    "why?",
    "It is so!",
    '"yes"',
    "and on...",
    "[1]",
    "[edit]",
    "JavaScript",
    "lorem",
    "ipsum",
]
BREAKS = ["{", "we use cookies", "x" * 1_001, " ", "\t", "\n", "\n\n", "\x0b", "\u2028", "privacy policy."]
PIECES = st.sampled_from(WORDS + BREAKS)


@given(st.lists(PIECES, max_size=30).map(" ".join), st.booleans(), st.booleans())
def test_lines_go_and_stay_as_in_datatrove(text, ends, citations):
    block = peer.C4QualityFilter(min_num_sentences=-1, filter_no_terminal_punct=ends, remove_citations=citations)
    stage = C4Quality(end_marks=C4Quality().end_marks if ends else (), remove_citations=citations, min_sentences=None)
    mine, peers = ours(stage, text), theirs(block, text)
    # Both refuse a text that has both, each for the one it looks for first.
    assert mine == peers or {mine[0], peers[0]} == {"lorem_ipsum", "curly_bracket"}


def test_marks_that_end_a_line_are_datatroves():
    from datatrove.utils.text import TERMINAL_PUNCTUATION

    assert set(END_MARKS) == TERMINAL_PUNCTUATION


# Of 844 pages: all on which the rules of Gopher decide otherwise than datatrove's, and the words that do it. On three
# of them the share of words with a letter is otherwise below the least, on four above; then repetition.
OTHERWISE = {
    "0431": (GopherQuality, "gopher/few_alpha_words", "formulas: spaCy leaves '$' on their letters"),
    "0688": (GopherQuality, "gopher/few_alpha_words", "code and wrongly decoded signs: spaCy splits fewer"),
    "4242": (GopherQuality, "gopher/few_alpha_words", "'PSE&G.' and 'and/or' are one word to spaCy"),
    "4859": (GopherQuality, "gopher/few_alpha_words", "wrongly decoded signs, which spaCy keeps together"),
    "0521": (GopherQuality, None, "'980-something' is three words to spaCy"),
    "0593": (GopherQuality, None, "'65mm' is two words to spaCy"),
    "3052": (GopherQuality, None, "'64-bit' and '4GB' are several words to spaCy"),
    "4107": (GopherQuality, None, "'30-foot' is three words to spaCy"),
    "0545": (GopherRepetition, "gopher/duplicate_9grams", "'v.' is one word to spaCy"),
    "2994": (GopherRepetition, None, "code and escapes: spaCy splits otherwise"),
}
BLOCKS = {GopherQuality: "GopherQualityFilter", GopherRepetition: "GopherRepetitionFilter"}


@pytest.mark.parametrize("page", OTHERWISE)
def test_where_gophers_rules_differ_from_datatroves_is_known(page, pages):
    stage, expected, _ = OTHERWISE[page]
    assert reason(stage(), pages[page]) == expected
    keeps = getattr(peer, BLOCKS[stage])().filter(Peer(text=pages[page], id="")) is True
    assert keeps == (expected is not None)


def test_an_empty_text_repeats_nothing_here_and_is_refused_there():
    assert reason(GopherRepetition(), "") is None
    assert peer.GopherRepetitionFilter().filter(Peer(text="", id="")) == (False, "empty")
    assert reason(GopherQuality(), "") == "gopher/few_words"


@pytest.mark.filterwarnings("ignore:Dictionary.create")
def test_verdicts_on_japanese_are_those_of_datatrove_with_fineweb_2s_thresholds():
    stage = FineWeb2Japanese()
    blocks = [
        peer.GopherRepetitionFilter(
            language="jpn",
            dup_para_frac=0,
            dup_line_char_frac=0,
            dup_para_char_frac=0,
            dup_line_frac=stage.max_duplicate_lines,
            top_n_grams=stage.max_top_ngrams,
            dup_n_grams=stage.max_duplicate_ngrams,
        ),
        peer.FineWebQualityFilter(
            language="jpn",
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=stage.min_ended_lines,
            new_line_ratio=stage.max_line_ends,
        ),
        peer.GopherQualityFilter(
            language="jpn",
            max_avg_word_length=5,
            min_avg_word_length=1,
            stop_words=list(stage.stop_words),
            max_non_alpha_words_ratio=stage.min_alpha_words,
        ),
    ]
    texts = [text for name, text in read()["texts"].items() if name.startswith("japanese")]
    texts += [texts[0][:size] for size in (150, 250, 350)] + [texts[0] + "\n" + texts[0]]
    kept = [all(block.filter(Peer(text=text, id="")) is True for block in blocks) for text in texts]
    assert [reason(stage, text) is None for text in texts] == kept
    assert len(set(kept)) == 2
