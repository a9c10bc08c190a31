import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import units
from dedup.lines import LineDedup
from dedup.rank import ranks
from dedup.repeats import repeats
from manifests.errors import BadRecipe
from tests.dedup import pages
from tests.dedup.memory import MemorySlice, MemoryView, named
from tests.dedup.pages import Page

LINES = LineDedup(min_chars=3)
PARAGRAPHS = LineDedup(unit="paragraph", min_chars=3)
SITE = LineDedup(scope="site", min_chars=3)


def left(selection, *slices):
    """As `pages.left`, of texts, or of pairs of an address and a text."""
    return pages.left(selection, *[{name: page(one) for name, one in rows.items()} for rows in slices])


def page(one):
    return Page(one) if isinstance(one, str) else Page(one[1], one[0])


def in_order_of_chance(*names):
    """Return names in the order in which rows with these names stay."""
    places = ranks(pa.chunked_array([pa.array([named(name) for name in names], pa.binary(16))]), 0)
    return [names[place] for place in np.argsort(places)]


FIRST, SECOND, THIRD = in_order_of_chance("a", "b", "c")


def test_a_line_stays_where_it_stands_first_and_goes_everywhere_else():
    texts = {FIRST: "menu\none page", SECOND: "other page\nmenu\nits end", THIRD: "third\nmenu"}
    assert left(LINES, texts) == {FIRST: "menu\none page", SECOND: "other page\nits end", THIRD: "third"}


def test_a_repeat_in_the_same_document_goes_too():
    assert left(LINES, {"a": "chorus\nfirst\nchorus\nsecond\nchorus"}) == {"a": "chorus\nfirst\nsecond"}


def test_lines_are_compared_without_case_accents_digits_marks_and_white_space():
    for line in ("Page 12: Le Café", "page 34 le cafe", "PAGE ０９ — le cafe\u0301!", "  page\t77\u3000LE  CAFÉ  "):
        assert left(LINES, {FIRST: "page 11 le cafe", SECOND: f"text\n{line}"})[SECOND] == "text"


def test_the_voicing_marks_of_kana_count():
    texts = {FIRST: "かきくけこ", SECOND: "がきくけこ\nか\u3099きくけこ"}
    assert left(LINES, texts) == {FIRST: "かきくけこ", SECOND: "がきくけこ"}


def test_a_short_line_and_one_without_letters_stay():
    texts = {"a": "ok\n----------\n\nlonger", "b": "ok\n----------\n\nlonger"}
    assert sorted(left(LINES, texts).values()) == ["ok\n----------\n", "ok\n----------\n\nlonger"]


def test_neighbours_go_with_the_line_break_before_them_and_the_first_ones_with_that_behind():
    texts = {
        FIRST: "one\ntwo\nthree\nfour",
        SECOND: "one\ntwo\nmine\nthree\nfour",
        THIRD: "one\n\ntwo\nown\r\nfour\r\n",
    }
    assert left(LINES, texts) == {FIRST: "one\ntwo\nthree\nfour", SECOND: "mine", THIRD: "own\r\n"}


def test_a_line_that_stands_alone_takes_the_empty_lines_behind_it_along():
    texts = {FIRST: "alone", SECOND: "one\n\nalone\n\n\ntwo", THIRD: "one more\nalone\n\ntwo more"}
    assert left(LINES, texts) == {FIRST: "alone", SECOND: "one\n\ntwo", THIRD: "one more\n\ntwo more"}


def test_paragraphs_are_parted_by_lines_that_show_nothing():
    text = "head\nof it\n\nbody\u3000\n \n\ntail"
    texts = {FIRST: text, SECOND: "mine\n\nbody\n\nhead\nof it\n\nhead"}
    assert left(PARAGRAPHS, texts) == {FIRST: text, SECOND: "mine\n\nhead"}


def test_a_block_of_code_is_left_alone_unless_it_is_asked_for():
    code = "```python\nimport os\n\nimport os\n```\n"
    texts = {FIRST: f"{code}import os\n", SECOND: f"import os\n{code}import os"}
    assert left(LINES, texts) == {FIRST: f"{code}import os\n", SECOND: code.rstrip("\n")}
    assert "import" not in left(LineDedup(min_chars=3, code=True), texts)[SECOND]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("~~~\n```\ncode\n~~~ not yet\n~~~\nprose", ["prose"]),
        ("````\n```\ncode\n````\nprose", ["prose"]),
        ("   ```\ncode\n```  \nprose", ["prose"]),
        ("    ```\nprose", ["prose"]),
        ("```in line``` of prose\nprose", ["```in line``` of prose", "prose"]),
        ("``\nprose", ["prose"]),
        ("prose\n```\nnever closed\nprose", ["prose"]),
    ],
)
def test_a_fence_is_what_commonmark_calls_one(text, lines):
    found = units.read(pa.array([text]), np.ones(1, np.uint64), paragraphs=False, min_letters=3, code=False)
    spans = zip(found.starts.tolist(), found.stops.tolist(), strict=True)
    assert [text[start:stop] for start, stop in spans] == lines


def test_a_site_is_the_host_of_the_address():
    site = {
        FIRST: ("https://www.one.example/1", "menu\nfirst"),
        SECOND: ("http://user@ONE.example:8080/2", "menu\nsecond"),
        THIRD: ("https://two.example/", "menu\nthird"),
        "no address": "menu\nfirst\nmenu",
    }
    assert left(SITE, site)[SECOND] == "second"
    assert {name: text for name, text in left(SITE, site).items() if name != SECOND} == {
        FIRST: "menu\nfirst",
        THIRD: "menu\nthird",
        "no address": "menu\nfirst\nmenu",
    }


def test_what_enough_pages_of_a_site_have_in_common_goes_from_all_of_them():
    boilerplate = LineDedup(scope="site", keep="none", min_count=3, min_chars=3)
    site = {str(n): (f"https://one.example/{n}", f"menu\npage {'abc'[n]}\nmenu\nbye") for n in range(3)}
    site["2"] = ("https://one.example/2", "menu\npage c\nrefrain\nrefrain\nrefrain")
    assert left(boilerplate, site) == {
        "0": "page a\nbye",
        "1": "page b\nbye",
        "2": "page c\nrefrain\nrefrain\nrefrain",
    }
    [cut] = boilerplate.select(pages.view({name: page(one) for name, one in site.items()}), map).cuts
    assert cut.twins is None


def test_a_cut_names_the_row_that_keeps_the_longest_line_of_it():
    texts = {FIRST: "short line", SECOND: "a much longer line", THIRD: "short line\na much longer line\nown"}
    [cut] = LINES.select(pages.view({name: Page(text) for name, text in texts.items()}), map).cuts
    assert (cut.reason, cut.emptied, cut.rows.tolist(), cut.starts.tolist(), cut.stops.tolist()) == (
        "line/repeated",
        "line/nothing_left",
        [list(texts).index(THIRD)],
        [0],
        [30],
    )
    assert cut.twins.tobytes() == named(SECOND)


def test_an_empty_effect_is_a_warning_and_any_other_a_note():
    alone, shared = pages.view({"a": Page("one\ntwo")}), pages.view({"a": Page("one\ntwo"), "b": Page("two")})
    assert LINES.select(alone, map).warnings == ("line: 0 of 2 lines taken out of 0 of 1 rows",)
    assert LINES.select(shared, map).notes == ("line: 1 of 3 lines taken out of 1 of 2 rows",)
    assert LINES.select(pages.view(), map).warnings == ("line: 0 of 0 lines taken out of 0 of 0 rows",)


@pytest.mark.parametrize(
    ("literals", "message"),
    [
        ({"unit": "sentence"}, "unit is 'sentence'; expected one of line, paragraph"),
        ({"scope": "page"}, "scope is 'page'; expected one of site, corpus"),
        ({"keep": "last"}, "keep is 'last'; expected one of first, none"),
        ({"min_chars": 0}, "min_chars is 0; expected at least 1"),
        ({"keep": "none"}, "min_count is 1 with keep='none'"),
    ],
)
def test_choices_that_are_not_known_are_refused(literals, message):
    with pytest.raises(BadRecipe, match=message):
        LineDedup(**literals)


def test_rows_without_a_text_are_refused():
    rows = pa.table({"id": pa.array([named("a")], pa.binary(16))})
    with pytest.raises(BadRecipe, match="line: rows have no text"):
        LINES.select(MemoryView((MemorySlice(0, rows),)), map)


def test_units_whose_digests_agree_by_halves_only_are_not_the_same():
    digests = np.array([[1, 1], [1, 2], [2, 2], [1, 1], [3, 3]], np.uint64)
    found = units_repeated(digests)
    assert found == [[0, 3]]


def units_repeated(digests):
    rows = np.arange(len(digests), dtype=np.int32)
    found = repeats(digests, rows, rows.astype(np.int64), 1)
    return [group.tolist() for group in np.split(found.units, found.groups[1:])]


@dataclass(frozen=True)
class Reference:
    """The slow and obvious way: dictionaries of strings."""

    asked: LineDedup

    def left(self, rows):
        seen = defaultdict(list)
        for name in in_order_of_chance(*rows):
            url, text = rows[name]
            site = urlsplit(url).hostname if self.asked.scope == "site" else "all"
            for span in self.spans(text):
                seen[site, self.letters(text[slice(*span)])].append((name, span))
        gone = defaultdict(set)
        for where in seen.values():
            if len({name for name, _ in where}) >= self.asked.min_count:
                for name, span in where[self.asked.keep == "first" :]:
                    gone[name] |= set(range(*span))
        return {name: "".join(c for n, c in enumerate(text) if n not in gone[name]) for name, (_, text) in rows.items()}

    def spans(self, text):
        pattern = r"[^\n]+" if self.asked.unit == "line" else r"[^\n]*\S[^\n]*(\n[^\n]*\S[^\n]*)*"
        found = [match.span() for match in re.finditer(pattern, text)]
        return [span for span in found if len(self.letters(text[slice(*span)])) >= self.asked.min_chars]

    def letters(self, text):
        parts = unicodedata.normalize("NFD", text.casefold())
        kept = ["0" if part.isdecimal() else part for part in parts if not "\u0300" <= part <= "\u036f"]
        return "".join(part for part in kept if unicodedata.category(part)[0] not in "PSZC")


WORDS = st.sampled_from(["menu", "Menu!", "page 12", "page 34", "café", "cafe\u0301", "が", "か", "", " ", "ß", "ss"])
TEXTS = st.lists(st.lists(WORDS, max_size=3).map(" ".join), max_size=6).map("\n".join)
HOSTS = st.sampled_from(["https://one.example/", "https://two.example/"])
ASKED = [
    LineDedup(min_chars=1),
    LineDedup(min_chars=4, scope="site"),
    LineDedup(min_chars=1, keep="none", min_count=2),
    LineDedup(unit="paragraph", min_chars=2),
    LineDedup(unit="paragraph", min_chars=2, keep="none", min_count=3, scope="site"),
]


@pytest.mark.parametrize("asked", ASKED, ids=str)
@given(rows=st.lists(st.tuples(HOSTS, TEXTS), min_size=1, max_size=8), cut=st.integers(0, 8))
def test_the_fast_way_takes_out_what_the_slow_way_takes_out(asked, rows, cut):
    named_rows = {str(place): pair for place, pair in enumerate(rows)}
    names = list(named_rows)
    slices = [{name: named_rows[name] for name in part} for part in (names[cut:][::-1], names[:cut])]
    fast, slow = left(asked, *slices), Reference(asked).left(named_rows)
    assert {name: re.sub(r"\s", "", text) for name, text in fast.items()} == {
        name: re.sub(r"\s", "", text) for name, text in slow.items()
    }
    assert all(len(text.split("\n")) <= len(rows[int(name)][1].split("\n")) for name, text in fast.items())


def test_a_million_equal_lines_of_one_text_leave_one():
    assert left(LINES, {"a": "over and over\n" * 1_000_000}) == {"a": "over and over\n"}


def test_one_line_of_many_megabytes_is_one_unit():
    line = "あ" * 5_000_000
    after = left(LINES, {FIRST: line, SECOND: f"mine\n{line}"})
    assert (len(after[FIRST]), after[SECOND]) == (5_000_000, "mine")


def test_many_equal_and_many_empty_texts_leave_one_text():
    texts = {str(place): "the same" if place % 2 else "" for place in range(20_000)}
    assert sorted(left(LINES, texts).values())[-2:] == ["", "the same"]
