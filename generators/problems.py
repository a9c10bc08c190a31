"""New problems from old ones: a seed is changed as in MuggleMath, said in other words, or put in another setting.

A problem that is only said in other words keeps its known answer, against which its solutions are held.

mathematics/empty       the reply says nothing but a preamble
mathematics/no_question nothing is asked for
mathematics/no_number   there is nothing to calculate with
mathematics/copy        it is the seed
mathematics/too_long    more characters than a problem has
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from generators.engine import Reply
from generators.quantities import quantities
from generators.replies import said
from generators.solving import ANSWER
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Rejected

PROMPTS = {
    "en": "You write mathematics problems for pupils of {level}. Below is a problem. {change} The new problem must be "
    "complete, make sense, and have one answer, which is a number. Answer with the new problem only: no solution, no "
    "heading.",
    "ja": "あなたは{level}の生徒のために算数・数学の問題を作ります。次に問題を一つ示します。{change}"
    "新しい問題は、それだけで意味が通り、答えがただ一つの数になるようにします。"
    "新しい問題だけを日本語で書き、解答や見出しは書かないでください。",
}
CHANGES = {
    "numbers": {
        "en": "Write the same problem with other numbers, which fit the story.",
        "ja": "話に合う別の数を使って、同じ問題を書き直してください。",
    },
    "fractions": {
        "en": "Change it so that fractions or percentages must be used to solve it.",
        "ja": "分数や百分率を使わないと解けない問題に変えてください。",
    },
    "concepts": {
        "en": "Change it so that it combines its idea with another one, such as ratios, averages or areas.",
        "ja": "割合、平均、面積など、数学の別の考え方と組み合わせた問題に変えてください。",
    },
    "condition": {
        "en": "Add a condition that changes the answer: something happens only if something else does.",
        "ja": "答えが変わるような条件（もし〜ならば〜）を一つ加えてください。",
    },
    "complexity": {
        "en": "Make it harder: it should take two more steps of reasoning.",
        "ja": "考える段階が二つ増えるように、難しくしてください。",
    },
    "rephrase": {
        "en": "Say the same in other words: the same numbers, the same question, the same answer.",
        "ja": "数も、問われていることも、答えも同じまま、別の言葉で書き直してください。",
    },
    "setting": {
        "en": "Write a new problem of the same kind about {topic}, with other people and numbers.",
        "ja": "同じ種類の新しい問題を、「{topic}」を題材に、別の人物と数で書いてください。",
    },
}
TOPICS = {
    "en": (
        "a bakery",
        "a train journey",
        "gardening",
        "a school festival",
        "savings",
        "a recipe",
        "sports",
        "the weather",
    ),
    "ja": ("パン屋", "電車の旅", "畑しごと", "文化祭", "貯金", "料理", "運動会", "天気"),
}
LEVELS = {
    "elementary": {"en": "elementary school", "ja": "小学校"},
    "middle": {"en": "middle school", "ja": "中学校"},
    "high": {"en": "high school", "ja": "高校"},
}
_HEADING = re.compile(
    r"\A[*#\s]*(?:the\s+)?(?:new\s+)?(?:problem|question|新しい問題|問題)[*\s]*[:：][*\s]*", re.IGNORECASE
)
_SOLVED = re.compile(
    r"\n[*#\s]*(?:solution|answer|explanation|解答|解説|答え|解き方|解)[*\s]*(?:[:：]|\n)", re.IGNORECASE
)
_ASKS = re.compile(
    r"[?？]|か。?\s*\Z|求め|なさい|\b(?:find|calculate|determine|compute|what|how (?:many|much|long|far|old))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class NewProblem:
    """One problem in, another one out, in the language `to` or in that of the seed."""

    version: ClassVar[int] = 1

    changes: Mapping[str, Mapping[str, str]]
    prompts: Mapping[str, str]
    levels: Mapping[str, str]
    topics: Mapping[str, Sequence[str]]
    to: str | None = None
    seed: int = 0
    max_chars: int = 1_500

    def change(self, doc: Document) -> tuple[str, str]:
        """Return the change and the topic that a seed gets."""
        rng = Random(canonical.join_parts(b"mathematics", str(self.seed).encode(), doc.id))
        return rng.choice(sorted(self.changes)), rng.choice(self.topics[self._language(doc)])

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        language = self._language(doc)
        change, topic = self.change(doc)
        how = self.changes[change][language].format(topic=topic)
        told = self.prompts[language].format(level=self.levels[language], change=how)
        return Message("system", told), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = _SOLVED.split(_HEADING.sub("", said(reply.text)), maxsplit=1)[0].strip()
        if not text:
            return Rejected(doc, "mathematics/empty")
        if len(text) > self.max_chars:
            return Rejected(doc, "mathematics/too_long", float(len(text)), float(self.max_chars))
        if not _ASKS.search(text):
            return Rejected(doc, "mathematics/no_question")
        if not any(letter.isdigit() for letter in text) and not any(map(quantities, _WORD.findall(text)[:200])):
            return Rejected(doc, "mathematics/no_number")
        if _WORD.findall(text.lower()) == _WORD.findall(doc.text.lower()):
            return Rejected(doc, "mathematics/copy")
        change = self.change(doc)[0]
        labels = {"dataset": doc.labels.get("dataset", doc.source), "change": change}
        if change == "rephrase" and ANSWER in doc.labels:
            labels[ANSWER] = doc.labels[ANSWER]
        return doc.derive(text=text, source="mathematics", language=self._language(doc), labels=labels, scores={})

    def _language(self, doc: Document) -> str:
        return self.to or doc.language or ""


def problems(
    changes: Sequence[str], level: str, topics: Sequence[str] = (), to: str | None = None, seed: int = 0
) -> NewProblem:
    """Return the task for some changes. Raises BadRecipe where we have no prompts for that."""
    if not set(changes) <= set(CHANGES) or not changes or level not in LEVELS or to not in {None, *PROMPTS}:
        raise BadRecipe(
            f"mathematics: no prompts for {', '.join(changes) or 'no change'} at {level} in {to or 'any language'}; "
            f"expected changes among {', '.join(CHANGES)}, one level of {', '.join(LEVELS)}, and {' or '.join(PROMPTS)}"
        )
    drawn = dict.fromkeys(PROMPTS, tuple(topics)) if topics else TOPICS
    return NewProblem({name: CHANGES[name] for name in changes}, PROMPTS, LEVELS[level], drawn, to, seed)
