"""Exercises of a document as rows: Self-Tuning (Zhang et al., ACL Findings 2025), each task on one level of learning.

self_tuning/language     a document in a language that we have no rules for
self_tuning/short        fewer characters than `min_chars`
self_tuning/no_sentence  no whole sentence: a list, code, headings
self_tuning/no_entity    nothing in its sentences is named, dated or counted, so that there is nothing to ask about
self_tuning/no_task      the tasks that are wanted need a title, or more to ask about than it has
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from filters.japanese_words import LIBRARIES
from generators.english_mentions import ENGLISH
from generators.exercises import LEVELS, WHOLE, Exercise, Lesson
from generators.japanese_mentions import JAPANESE
from generators.prompts import prompts_of
from generators.wording import ENGLISH as ENGLISH_WORDING
from generators.wording import JAPANESE as JAPANESE_WORDING
from generators.wording import Wording
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.rows import Conversation, Document, Message, Row
from manifests.stage import Rejected, Stage
from manifests.used import Used

READERS = {"en": ENGLISH, "ja": JAPANESE}
WORDINGS = {"en": ENGLISH_WORDING, "ja": JAPANESE_WORDING}
TASKS = tuple(LEVELS)
PARTS = {task: part for part, task in enumerate([*TASKS, "reading"])}
MAX_TITLE_CHARS = 200  # a longer one is no title


@dataclass(frozen=True, slots=True)
class SelfTuning(Stage):
    """Make exercises of each document: those on the whole of it, and some on sentences drawn by its id."""

    libraries: ClassVar[tuple[str, ...]] = LIBRARIES

    tasks: tuple[str, ...] = TASKS
    sentences: int = 3  # of each document that exercises are made of; the paper's had 2.5
    min_chars: int = 100
    layout: str = "single"  # "read": a text with its comprehension exercises is one row
    form: str = "documents"  # or "conversations"
    seed: int = 0
    wordings: Mapping[str, Wording] = field(default_factory=lambda: dict(WORDINGS))  # by language

    def __post_init__(self) -> None:
        wrong = [*(set(self.tasks) - set(TASKS)), *(set(self.wordings) - set(READERS))]
        wrong += [self.layout] if self.layout not in {"single", "read"} else []
        wrong += [self.form] if self.form not in {"documents", "conversations"} else []
        if wrong or not self.tasks:
            raise BadRecipe(
                f"self_tuning: {', '.join(map(repr, wrong)) or 'no task'}; expected tasks among {', '.join(TASKS)}, "
                "languages en and ja, layout single or read, form documents or conversations"
            )

    def used(self) -> Used:
        prompts = [prompts_of(wording) for wording in self.wordings.values()]
        named = zip(self.wordings, prompts, strict=True)
        return Used({}, {f"{language} {name}": text for language, texts in named for name, text in texts.items()})

    def __call__(self, rows: Iterable[Document]) -> Iterator[Row | Rejected]:
        for doc in rows:
            lesson = self._lesson(doc)
            if isinstance(lesson, Rejected):
                yield lesson
                continue
            exercises = self._exercises(lesson, doc.id)
            make = self._read if self.layout == "read" else self._single
            made = list(make(doc, lesson, exercises))
            if not made:
                yield Rejected(doc, "self_tuning/no_task")
            yield from made

    def _lesson(self, doc: Document) -> Lesson | Rejected:
        wording = self.wordings.get(doc.language or "")
        if wording is None:
            return Rejected(doc, "self_tuning/language")
        text = doc.text.strip()
        if len(text) < self.min_chars:
            return Rejected(doc, "self_tuning/short", len(text), self.min_chars)
        title = " ".join(doc.labels.get("title", "").split())
        lesson = Lesson.read(title if len(title) <= MAX_TITLE_CHARS else "", text, READERS[doc.language or ""], wording)
        if not lesson.sentences:
            return Rejected(doc, "self_tuning/no_sentence")
        return lesson if lesson.mentions else Rejected(doc, "self_tuning/no_entity")

    def _exercises(self, lesson: Lesson, row: bytes) -> list[Exercise]:
        """Return the exercises of a text in the order of the tasks. Draws depend on the seed and the row alone."""
        rng = Random(canonical.join_parts(b"self_tuning", str(self.seed).encode(), row))
        telling = [sentence for sentence in lesson.sentences if sentence.mentions]
        made = [lesson.whole(task) for task in WHOLE if task in self.tasks]
        for sentence in rng.sample(telling, min(self.sentences, len(telling))):
            gap = rng.sample(("blank", "choice"), 2)  # one of them for each sentence, as in the paper
            tried = (lesson.on(sentence, task, rng) for task in gap if task in self.tasks)
            made.append(next((exercise for exercise in tried if exercise), None))
            made += [lesson.on(sentence, task, rng) for task in ("nli", "completion") if task in self.tasks]
        return sorted([exercise for exercise in made if exercise], key=lambda exercise: PARTS[exercise.task])

    def _single(self, doc: Document, lesson: Lesson, exercises: Iterable[Exercise]) -> Iterator[Row]:
        """Yield a row for each exercise."""
        before: dict[str, int] = {}
        for task, question, answer in exercises:
            number = before[task] = before.get(task, -1) + 1
            if task != "memorisation":
                shown = lesson.about(question) if LEVELS[task] == "comprehension" else question
                yield self._row(doc, task, number, "", [(shown, answer)], lesson.wording)
            elif self.form == "documents":  # there is nobody who asks
                yield self._row(doc, task, number, answer, [], lesson.wording)

    def _read(self, doc: Document, lesson: Lesson, exercises: list[Exercise]) -> Iterator[Row]:
        """Yield one row with the text and all that is asked about it, and one for each exercise without the text."""
        with_text = [one for one in exercises if LEVELS[one.task] == "comprehension"]
        asked = [(question, answer) for _, question, answer in with_text]
        shown = next((one.answer for one in exercises if one.task == "memorisation"), lesson.text)
        if asked and self.form == "documents":
            yield self._row(doc, "reading", 0, f"{shown}\n\n", asked, lesson.wording)
        elif asked:
            asked[0] = (lesson.about(asked[0][0]), asked[0][1])
            yield self._row(doc, "reading", 0, "", asked, lesson.wording)
        yield from self._single(doc, lesson, [one for one in exercises if LEVELS[one.task] == "self_reflection"])

    def _row(
        self, doc: Document, task: str, number: int, text: str, asked: list[tuple[str, str]], wording: Wording
    ) -> Row:
        labels = {**doc.labels, "task": task, "level": LEVELS.get(task, "comprehension")}
        row: Row
        if self.form == "documents":
            pairs = [f"{wording.prompt.format(question=question)}{answer}" for question, answer in asked]
            row = doc.replace(text=text + "\n\n".join(pairs))
        else:
            said = [Message(*turn) for pair in asked for turn in zip(("user", "assistant"), pair, strict=True)]
            row = Conversation(**doc.shared(), messages=tuple(said))
        return row.derive(part=PARTS[task], candidate=number, source="self_tuning", labels=labels, scores={})
