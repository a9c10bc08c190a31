"""Two texts to make exercises of, one in each language, and what holds for every exercise."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from generators.exercises import Lesson
from generators.mentions import may_be_the_same
from generators.teaching import READERS, WORDINGS
from generators.wording import Wording
from manifests.rows import Document, row_id
from tests.sources import OneUnit

CLOSED_BOOK = ("teaching", "flash_cards", "blank", "choice", "completion")

ENGLISH = Document(
    id=row_id("document", "lessons", "en"),
    source="lessons",
    language="en",
    licence="CC0-1.0",
    labels={"title": "The Harbour Museum of Velden"},
    text=(
        "The old customs house of Velden was built by Clara Brandt between 1874 and 1879.\n"
        "Opening hours\n"
        "It cost 3.5 million crowns, and the Baltic Shipping Company paid most of them. In 1931 the painter Emil "
        'Okafor showed "The Ninth Wave" there, a picture of Lake Orsa. Today 48,000 visitors a year come from '
        "Sweden and Finland. The collection was moved in a single night by the sailors of the Aurora Borealis. "
        "Okafor died on 12 May 1962 in Lisbon."
    ),
)
JAPANESE = Document(
    id=row_id("document", "lessons", "ja"),
    source="lessons",
    language="ja",
    licence="CC0-1.0",
    labels={"title": "港町資料館"},
    text=(
        "旧税関庁舎は、1874年10月に建築家の佐藤一郎が設計した煉瓦造建築である。\n開館時間\n"
        "建設費用は約350万円で、その大半を北海道の海運会社が負担した。昭和6年には画家の山田花子がここで『第九の波』を展示した。"
        "現在は毎年4万8000人の観光客が青森県や東京から訪れている。収蔵品は一夜のうちに船員たちが長崎港へ運び出した。"
        "山田花子は1962年5月12日にリスボンで死去した。"
    ),
)


@dataclass(frozen=True)
class Docs(OneUnit):
    """A unit of documents as they are."""

    docs: tuple[Document, ...]
    file = "lessons"

    @property
    def key(self) -> list[str]:
        return [doc.hex for doc in self.docs]

    def rows(self) -> Iterator[Document]:
        yield from self.docs


def answered(row: Document, words: Wording) -> tuple[str, str]:
    """Return the prompt and the answer of an exercise that is one text."""
    mark = words.prompt.format(question="")
    if row.labels["task"] in {"teaching", "flash_cards"}:  # whose answers may hold anything
        prompt, _, answer = row.text.partition(mark)
    else:
        prompt, _, answer = row.text.rpartition(mark)
    return prompt + mark, answer


def options_of(prompt: str, words: Wording) -> list[str]:
    """Return the options that a prompt lists."""
    before = words.option.format(text="").rstrip("\n")
    return [line.removeprefix(before) for line in prompt.split("\n") if line.startswith(before)]


def check(doc, rows):
    """No closed-book prompt shows its answer, but for one option."""
    for row in rows:
        if row.labels["task"] in CLOSED_BOOK:
            prompt, answer = answered(row, WORDINGS[doc.language])
            assert prompt.casefold().count(answer.casefold()) == (row.labels["task"] == "choice")


def check_sentences(doc):
    """What was done to each sentence can be undone."""
    words, rng = WORDINGS[doc.language], Random(0)
    lesson = Lesson.read(doc.labels.get("title", ""), doc.text, READERS[doc.language], words)
    topic = words.topic.format(title=lesson.title) if lesson.title else ""
    for sentence in lesson.sentences:
        assert all(sentence.text[mention.start : mention.end] == mention.text for mention in sentence.mentions)
        made = (lesson.on(sentence, task, rng) for task in ("blank", "choice", "completion"))
        blank, choice, completion = made
        if blank:
            whole = words.blank.format(topic=topic, sentence=sentence.text)
            assert blank.question.replace(words.mark, blank.answer) == whole
        if choice:
            options = options_of(choice.question, words)
            whole = words.choice.format(topic=topic, sentence=sentence.text, options=listed(options, words))
            assert choice.question.replace(words.mark, choice.answer) == whole
            assert 2 <= len(options) == len({option.casefold() for option in options}) <= 4
            others = [option for option in options if option != choice.answer]
            assert len(others) == len(options) - 1
            assert not any(may_be_the_same(choice.answer, other) for other in others)
        if completion:
            beginning = sentence.text[: sentence.text.rindex(completion.answer)].rstrip()
            assert completion.question == words.completion.format(topic=topic, beginning=beginning)
            assert not re.search(
                r"\w", sentence.text[sentence.text.rindex(completion.answer) + len(completion.answer) :]
            )
        check_nli(lesson, sentence, lesson.on(sentence, "nli", rng), words)


def check_nli(lesson, sentence, nli, words):
    """A sentence is as it was, or one mention is another one of its kind, which the sentence does not hold."""
    options = listed((words.yes, words.unknown, words.no), words)
    before, after = words.nli.format(sentence="\0", options=options).split("\0")
    assert nli.question.startswith(before)
    assert nli.question.endswith(after)
    shown = nli.question.removeprefix(before).removesuffix(after)
    exchanges = {
        f"{sentence.text[: mention.start]}{other.text}{sentence.text[mention.end :]}": mention.kind
        for mention in sentence.mentions
        for other in lesson.mentions
        if other.kind == mention.kind and other.text not in sentence.text
        if not may_be_the_same(mention.text, other.text)
        and sentence.text.casefold().count(mention.text.casefold()) == 1
    }
    if nli.answer == words.yes:
        assert shown == sentence.text
    else:
        assert nli.answer == (words.no if exchanges[shown] in {"date", "number"} else words.unknown)


def listed(options, words):
    return "".join([words.option.format(text=option) for option in options]).rstrip()
