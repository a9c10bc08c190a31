"""What a model is asked to judge of a text, and how its answer reads: one value on the last line.

The criteria are those of FineWeb-Edu (additive, 0 to 5; Lozhkov et al. 2024) and of Swallow Corpus v2 (0 to 3; Hattori
et al., NLP2025); the wording, in both languages, is ours.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LINES = {"en": "Answer", "ja": "答え"}
_CLOSE = {
    "en": "Give your reasons in at most 100 words. Then write one last line, and nothing after it: Answer: {values}",
    "ja": "理由を200字以内で述べ、最後の行に「答え: {values}」とだけ書いてください。その後には何も書きません。",
}
_LAST = re.compile(r"^[*_#\s]*(?:answer|答え|回答)[*_\s]*[:：][*_\s]*(.+?)[*_\s。.]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rubric:
    """A question about a text: points from 0 to `most`, or one of some names."""

    name: str
    prompts: Mapping[str, str]  # by the language of the text
    most: int = 0  # points; 0: the answer is a name
    names: tuple[str, ...] = ()

    def asked(self, language: str) -> str:
        """Return what the model is told, with how the answer is to end."""
        values = f"0-{self.most}" if self.most else " | ".join(self.names)
        return f"{self.prompts[language]}\n{_CLOSE[language].format(values=values)}"

    def read(self, reply: str) -> str | None:
        """Return the value on the last line of a reply, or None where there is none.

        >>> EDUCATION.read("It explains photosynthesis.\\nAnswer: 3")
        '3'
        """
        last = next((line for line in reversed(reply.splitlines()) if line.strip()), "")
        found = _LAST.match(unicodedata.normalize("NFKC", last))
        return found[1].strip().lower() if found else None

    def points(self, value: str) -> int | None:
        """Return a value as a number: its points, or the place of its name; None where it is neither."""
        if self.most:
            number = value.partition("/")[0].strip()
            return int(number) if number.isascii() and number.isdigit() and int(number) <= self.most else None
        return self.names.index(value) if value in self.names else None


EDUCATION = Rubric(
    "education",
    {
        "en": "You judge web pages for teachers. Below is an extract of a page. Add up points for its value in school, "
        "up to secondary level:\n"
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
        "en": "You are an experienced teacher in higher education. Judge the text below; each line that holds is one "
        "point:\n- Its subject is of high educational value, fit for general courses at a university.\n"
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
        "en": "Say what the text below is mostly about. Choose one of the names at the end.",
        "ja": "次の文章が主に何について書かれているかを、末尾に挙げる英語の名前の中から一つ選んで答えてください。",
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
        "en": "Say what kind of page the text below was taken from. Choose one of the names at the end.",
        "ja": "次の文章がどのような種類のページから取られたものかを、"
        "末尾に挙げる英語の名前の中から一つ選んで答えてください。",
    },
    names=(
        *("article", "news", "blog", "tutorial", "reference", "documentation", "forum", "question", "review", "paper"),
        *("story", "product", "advertisement", "company", "personal", "listing", "legal", "transcript", "other"),
    ),
)
CODE = Rubric(
    "code",
    {
        "en": "Does the text below explain or hold program code that somebody could learn from? A page that only "
        "mentions software, or sells it, does not.",
        "ja": "次の文章には、読者が学べるプログラムのコードやその説明がありますか。ソフトウェアに触れるだけの文章や、"
        "売るための文章は該当しません。",
    },
    names=("yes", "no"),
)
RUBRICS = {rubric.name: rubric for rubric in (EDUCATION, LIBERAL_ARTS, TOPIC, FORMAT, CODE)}
