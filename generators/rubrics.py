"""What a model is asked to judge of a text, and how its answer reads: one value, on a line that is marked.

The criteria are those of FineWeb-Edu (additive, 0 to 5; Lozhkov et al. 2024) and of Swallow Corpus v2 (0 to 3; Hattori
et al., NLP2025); the wording, in both languages, is ours.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from generators.forms import Choice

LINES = {"en": "Answer", "ja": "答え"}
_REASONED = {
    "en": "Give your reasons in at most 60 words. Then end with a line like this, where N is {one}:\nAnswer: N",
    "ja": "理由を120字以内で述べ、最後に次のような一行を書いてください。Nは{one}です。\n答え: N",
}
_ALONE = {"en": "Answer with nothing but {one}.", "ja": "{one}だけを答えてください。"}
_POINTS = {"en": "the total, a whole number from 0 to {most}", "ja": "合計点（0から{most}までの整数）"}
_NAMES = {"en": "one of these names: {names}", "ja": "次の名前の一つ（{names}）"}
_MARKED = re.compile(
    r"^[ \t*_#>-]*(?:(?:final|total|overall)[ \t]+)?(?P<mark>answer|score|total|points|答え|回答|合計点?|点数|評価)"
    r"[ \t*_]*[:：][ \t*_]*(?:N[ \t]*[=:は]?[ \t]+)?(?P<value>[^\n]{1,80}?)[ \t*_。.]*$",
    re.IGNORECASE | re.MULTILINE,
)
_AS_ASKED = frozenset({"answer", "答え"})
_COUNT = re.compile(r"(\d{1,2})(?:[ \t]*(?:/|out of|点中)[ \t]*(\d{1,2}))?[ \t]*(?:points?|点)?(?:[ \t]*\([^)]*\))?")


@dataclass(frozen=True, slots=True)
class Rubric:
    """A question about a text: points from 0 to `most`, or one of some names."""

    name: str
    prompts: Mapping[str, str]  # by the language of the text
    most: int = 0  # points; 0: the answer is a name
    names: tuple[str, ...] = ()

    def close(self, language: str, *, reasons: bool = True) -> str:
        """Return how the answer is to end; without reasons it is the value alone."""
        one = (
            _POINTS[language].format(most=self.most)
            if self.most
            else _NAMES[language].format(names=", ".join(self.names))
        )
        return (_REASONED if reasons else _ALONE)[language].format(one=one)

    @property
    def choice(self) -> Choice:
        """The values alone, as the form of replies without reasons."""
        return Choice(self.names or tuple([str(points) for points in range(self.most + 1)]))

    def read(self, reply: str) -> str | None:
        """Return the value of a reply, or None where it has none, or several.

        It stands on the last line that is marked as asked for; else all lines that are marked in another way must say
        the same; a reply without any mark is a value and nothing else.

        >>> EDUCATION.read("It explains photosynthesis.\\nAnswer: 3")
        '3'
        >>> EDUCATION.read("Score: 2\\nIt is short."), EDUCATION.read("Score: 2\\nTotal: 3"), EDUCATION.read("4")
        ('2', None, '4')
        """
        text = unicodedata.normalize("NFKC", reply).strip()
        marked = [
            (found["mark"].casefold(), found["value"].strip(" \"'`").casefold()) for found in _MARKED.finditer(text)
        ]
        asked = [value for mark, value in marked if mark in _AS_ASKED]
        if asked:
            return asked[-1]
        values = {value for _, value in marked}
        if len(values) == 1:
            return values.pop()
        alone = text.strip("*_.。 ").casefold()
        return alone if not values and self.points(alone) is not None else None

    def points(self, value: str) -> int | None:
        """Return a value as a number: its points, or the place of its name; None where it is neither."""
        if self.most:
            found = _COUNT.fullmatch(value)
            if found is None or int(found[1]) > self.most or (found[2] and int(found[2]) != self.most):
                return None
            return int(found[1])
        return self.names.index(value) if value in self.names else None


EDUCATION = Rubric(
    "education",
    {
        "en": "You judge web pages for teachers. The user gives an extract of one. Add up points for its value in "
        "school, up to secondary level:\n"
        "1 point: it holds some basic information on something that is taught, even beside advertising or chatter.\n"
        "+1: it touches on matters of education, though loosely, or mixed with other things.\n"
        "+1: it can be used in class: it introduces key ideas, if not completely.\n"
        "+1: it is clear and coherent, like a chapter of a textbook, with little that is beside the point.\n"
        "+1: it is outstanding for teaching children: easy to follow, thorough, and nothing in it is off the subject.",
        "ja": "あなたは教師のためにウェブページを評価します。次に示すのはページの抜粋です。"
        "小学校から高校までの教育にどれだけ役立つかを、次の基準の合計点で答えてください。\n"
        "1点: 宣伝や雑談が混ざっていても、学習内容に関わる基本的な情報がある。\n"
        "+1点: ゆるやかであっても、教育に関わる事柄を扱っている。\n"
        "+1点: 授業で使える。不完全でも、重要な考え方を紹介している。\n"
        "+1点: 教科書の一節のように明快で一貫しており、余分な内容がほとんどない。\n"
        "+1点: 子どもの学習にきわめて適している。わかりやすく、十分に詳しく、関係のない内容がない。",
    },
    most=5,
)
LIBERAL_ARTS = Rubric(
    "liberal_arts",
    {
        "en": "You are an experienced teacher in higher education. Judge the text of the user; each line that "
        "holds is one point:\n- Its subject is of high educational value, fit for general courses at a university.\n"
        "- It offers deep insight or discussion.\n- It explains clearly, for readers who are no specialists.",
        "ja": "あなたは高等教育の経験が豊かな教師です。次の文章を評価してください。当てはまる項目ごとに1点です。\n"
        "・大学の教養教育にふさわしい、教育的価値の高い話題である。\n・深い洞察や議論がある。\n"
        "・専門家でない読者にもわかるように、明快に説明している。",
    },
    most=3,
)
TOPIC = Rubric(
    "topic",
    {
        "en": "Say what the text of the user is mostly about.",
        "ja": "次の文章が主に何について書かれているかを、末尾に挙げる英語の名前で答えてください。",
    },
    names=(
        *("science", "mathematics", "technology", "programming", "medicine", "history", "society", "politics", "law"),
        *("economy", "literature", "arts", "religion", "nature", "food", "travel", "sports", "games", "entertainment"),
        *("home", "fashion", "vehicles", "products", "adult", "other"),
    ),
)
FORMAT = Rubric(
    "format",
    {
        "en": "Say what kind of page the text of the user was taken from.",
        "ja": "次の文章がどのような種類のページから取られたものかを、末尾に挙げる英語の名前で答えてください。",
    },
    names=(
        *("article", "news", "blog", "tutorial", "reference", "documentation", "forum", "question", "review", "paper"),
        *("story", "product", "advertisement", "company", "personal", "listing", "legal", "transcript", "other"),
    ),
)
CODE = Rubric(
    "code",
    {
        "en": "Does the text of the user explain or hold program code that somebody could learn from? A page that only "
        "mentions software, or sells it, does not.",
        "ja": "次の文章には、読者が学べるプログラムのコードやその説明がありますか。ソフトウェアに触れるだけの文章や、"
        "売るための文章は該当しません。",
    },
    names=("yes", "no"),
)
RUBRICS = {rubric.name: rubric for rubric in (EDUCATION, LIBERAL_ARTS, TOPIC, FORMAT, CODE)}
