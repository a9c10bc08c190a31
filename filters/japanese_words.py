"""Words of Japanese, which writes no blanks between them. The one module that imports SudachiPy."""

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

from manifests.errors import BadRecipe

MAX_CHARS = 12_000  # of a piece: SudachiPy takes 49,149 bytes at once, and no character has more than four
LIBRARIES = ("SudachiPy", "SudachiDict-core")  # the dictionary decides as much as the program


class Word(NamedTuple):
    """A word with its place in the text and its part of speech, e.g. ("名詞", "固有名詞", "地名", ...)."""

    text: str
    start: int
    end: int
    part_of_speech: tuple[str, ...]


def tagged_words(text: str) -> list[Word]:
    """Return the words of a text with their parts of speech, cut as large as SudachiPy's dictionary has them (mode C).

    Raises BadRecipe where SudachiPy is not installed.
    """
    words, start = [], 0
    for piece in _pieces(text):
        words += [
            Word(word.surface(), start + word.begin(), start + word.end(), word.part_of_speech())
            for word in _tokenizer("C").tokenize(piece)
        ]
        start += len(piece)
    return words


@lru_cache(maxsize=2)  # the next stage asks for the words of the same text
def japanese_words(text: str) -> tuple[str, ...]:
    """Return the words and signs of a text in their order, cut as small as SudachiPy can (mode A): 0.5 MB a second.

    These are the words of FineWeb-2, for they are what spaCy's Japanese tokenizer gives.
    """
    tokenizer = _tokenizer("A")
    found = (word.surface().strip() for piece in _pieces(text) for word in tokenizer.tokenize(piece))
    return tuple([word for word in found if word])


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in parts that are not too long, cut at the end of a line where there is one."""
    start = 0
    while start < len(text):
        end = start + MAX_CHARS
        if end < len(text):
            end = max(text.rfind("\n", start, end), text.rfind("。", start, end)) + 1 or end
        # A lone surrogate cannot be written as UTF-8, which is what SudachiPy reads.
        yield text[start:end].encode("utf-8", "replace").decode()
        start = end


@cache
def _tokenizer(mode: str) -> Any:
    try:  # only here: the other sets of rules do without its dictionary of 200 MB
        from sudachipy import Dictionary, SplitMode  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise BadRecipe(f"Japanese words need {' and '.join(LIBRARIES)}: pip install {' '.join(LIBRARIES)}") from error
    return Dictionary().tokenizer(mode=getattr(SplitMode, mode))
