import pytest

from filters import sentences
from filters.c4 import C4BadWords, C4Quality
from filters.word_list import WordList
from manifests.rows import Document
from manifests.stage import Kept, Rejected
from tests.filters.judging import reason, values

PROSE = "The mill turns. It is old! Is it safe? Nobody knows that. The river does."


def text_after(stage: C4Quality, text: str) -> str:
    [outcome] = stage([Document(text=text)])
    return outcome.row.text


@pytest.mark.parametrize(("sentence_count", "expected"), [(4, "c4/few_sentences"), (5, None)])
def test_a_text_has_five_sentences_or_more(sentence_count, expected):
    assert reason(C4Quality(), "\n".join(["The mill turns again."] * sentence_count)) == expected


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("A heading of five words", "end"),
        ("It goes on and on...", "end"),
        ("It turns.", "words"),
        ("Please enable Javascript to go on.", "script"),
        ("We ask you to read the Privacy Policy first.", "policy"),
        ("This is one word: " + "x" * 1_001 + ".", "long_word"),
    ],
)
def test_a_line_that_is_no_prose_goes_and_is_counted_by_its_cause(line, why):
    found = values(C4Quality(), f"{line}\n{PROSE}")
    causes = ("long_word", "end", "words", "policy", "script")
    assert {cause: found[f"c4/lines_{cause}"] for cause in causes} == {cause: float(cause == why) for cause in causes}
    assert text_after(C4Quality(), f"{line}\n{PROSE}") == PROSE


@pytest.mark.parametrize(
    "line", ["It ends in a mark.", "Does it end?", "It does so!", 'He said "so it is"', "the mills'"]
)
def test_a_line_may_end_in_any_of_five_marks(line):
    line = f"Once more: {line}"
    assert text_after(C4Quality(), f"{PROSE}\n{line}") == f"{PROSE}\n{line}"


def test_one_line_with_a_curly_bracket_refuses_the_whole_text():
    assert reason(C4Quality(), f"{PROSE}\nThis is {{ the code }} of it.") == "c4/curly_brackets"
    assert reason(C4Quality(max_curly_brackets=None), f"{PROSE}\nThis is {{ the code }} of it.") is None


def test_lorem_ipsum_refuses_the_whole_text_whatever_its_case():
    assert reason(C4Quality(), f"{PROSE}\nLorem Ipsum dolor sit amet.") == "c4/lorem_ipsum"


def test_what_stands_in_a_line_that_goes_refuses_nothing():
    # Code ends in no full stop: this is why C4 lets much of it pass.
    assert reason(C4Quality(), f"{PROSE}\nfn main() {{ lorem ipsum }}") is None
    assert reason(C4Quality(end_marks=()), f"{PROSE}\nfn main() {{ and more }}") == "c4/curly_brackets"


def test_citations_as_wikipedia_has_them_go():
    assert (
        text_after(C4Quality(), f"{PROSE}[1][] [edit][citation needed]It stays [a] here.")
        == f"{PROSE} It stays [a] here."
    )


def test_the_row_keeps_its_id_and_one_that_is_all_prose_is_the_same_object():
    same, other = Document(id=b"1" * 16, text=PROSE), Document(id=b"2" * 16, text=f"Menu\n{PROSE}")
    first, second = C4Quality()([same, other])
    assert first.row is same
    assert (second.row.id, second.row.text) == (other.id, PROSE)


def test_a_refused_text_is_left_as_it_was():
    [refused] = C4Quality()([Document(text="Menu\nToo short a text.")])
    assert isinstance(refused, Rejected)
    assert refused.row.text == "Menu\nToo short a text."


def test_none_turns_a_rule_off():
    off = C4Quality((), None, None, (), False, False, None, None, None)
    assert off.rules() == ()
    assert reason(off, "{ lorem ipsum") is None


@pytest.mark.parametrize("text", ["", "\n", " \n\n \n", "!", "\ud800", "[1]"])
def test_a_text_of_next_to_nothing_has_few_sentences(text):
    assert reason(C4Quality(), text) == "c4/few_sentences"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", 1),
        ("no mark at all", 1),
        ("One. Two! Three? Four", 4),
        ("Dr. Vane met Mr. Ash at 3.14 p.m. in the U.S. once.", 1),
        ("It was plan B. They had e.g. none.", 1),  # a single capital keeps its mark, as spaCy has it
        ("Wait... and so on.", 1),
        ("He asked “why?” (and who?) Then he left.", 3),
        ("The end.Then more.", 2),
        ("See a.b.c and x.py. Go on", 2),
        ("Really?! Yes!!! No", 3),
        (". Configuration", 2),
    ],
)
def test_sentences_are_counted_as_spacy_tells_them(line, expected):
    assert sentences.count(line) == expected


@pytest.fixture
def bad_words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("# not wanted\nmill\nold mill\n水車\n\n", encoding="utf-8")
    return C4BadWords(WordList(str(path)))


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("The Mill is here.", "en", 1),
        ("the old mill", "en", 1),  # the longest of two
        ("windmills and millers", "en", 0),
        ("この水車は古い", "ja", 1),
        ("この水車は古い", "en", 0),
        ("windmills", "ja", 1),
    ],
)
def test_bad_words_stand_alone_but_for_languages_without_blanks(bad_words, text, language, count):
    [outcome] = bad_words([Document(text=text, language=language)])
    assert outcome.values == {"c4/bad_words": count}
    assert isinstance(outcome, Rejected if count else Kept)


def test_an_empty_list_finds_nothing(tmp_path):
    (tmp_path / "none.txt").write_text("# nothing\n")
    assert reason(C4BadWords(WordList(str(tmp_path / "none.txt"))), "any text") is None
