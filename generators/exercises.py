"""The exercises of Self-Tuning (Zhang et al., ACL Findings 2025): what is asked about one text, and the answers.

memorisation     the title and the text
summarisation    the text is given, its title asked for
gist             the text is given, what it mentions asked for
nli              the text is given with one of its sentences, as it stands or with one mention exchanged: does it hold?
teaching         the title is given, the text asked for
flash_cards      what it mentions is given, the text asked for
blank            a sentence without one mention
choice           the same, and the mention among others of the text
completion       a sentence without the phrase that ends it

The last five are asked without the text, and none of them shows its answer (but `choice`, once).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from generators.mentions import Mention, Reader, Sentence, distinct, may_be_the_same
from generators.wording import Wording

LEVELS = {
    "memorisation": "memorisation",
    "summarisation": "comprehension",
    "gist": "comprehension",
    "nli": "comprehension",
    "teaching": "self_reflection",
    "flash_cards": "self_reflection",
    "blank": "self_reflection",
    "choice": "self_reflection",
    "completion": "self_reflection",
}
WHOLE = ("memorisation", "summarisation", "gist", "teaching", "flash_cards")  # at most one of a text
MOST_OTHERS = 3  # options beside the answer
MOST_KEYWORDS = 30


class Exercise(NamedTuple):
    """A question and its answer. A question of the level "comprehension" is about the text, which it does not hold."""

    task: str
    question: str
    answer: str


@dataclass(frozen=True)
class Lesson:
    """One text, read: all its exercises come from here. Pure, but for the generators of random numbers it is handed."""

    title: str
    text: str
    sentences: Sequence[Sentence]
    mentions: Sequence[Mention]  # distinct ones, of all sentences
    reader: Reader
    wording: Wording

    @classmethod
    def read(cls, title: str, text: str, reader: Reader, wording: Wording) -> "Lesson":
        """Return a text with its sentences and what they mention."""
        sentences = reader.sentences(text)
        mentions = distinct(mention for sentence in sentences for mention in sentence.mentions)
        return cls(title, text, sentences, mentions, reader, wording)

    def whole(self, task: str) -> Exercise | None:
        """Return the exercise of a task on the whole text, or None where it needs a title that is not there."""
        words, title, text = self.wording, self.title, self.text
        keywords = words.joint.join([mention.text for mention in self.mentions[:MOST_KEYWORDS]])
        if task == "flash_cards":
            asked = words.flash_cards if title else words.flash_cards_untitled
            return Exercise(task, asked.format(title=title, keywords=keywords), text)
        if task == "gist":
            return Exercise(task, words.gist, keywords)
        if task == "memorisation":
            shown = words.memorisation.format(title=title, text=text) if self._needs_title() else text
            return Exercise(task, "", shown)
        if not title:
            return None
        if task == "summarisation":
            return Exercise(task, words.summarisation, title)
        return Exercise(task, words.teaching.format(title=title), text)

    def on(self, sentence: Sentence, task: str, rng: Random) -> Exercise | None:
        """Return the exercise of a task on a sentence, or None where it has nothing to ask about."""
        if task == "completion":
            return self._completion(sentence)
        if task == "nli":
            return self._nli(sentence, rng)
        for mention in rng.sample(sentence.mentions, len(sentence.mentions)):
            made = self._gap(sentence, mention, task, rng)
            if made is not None:
                return made
        return None

    def about(self, question: str) -> str:
        """Return a question with the text that it is about."""
        return self.wording.open_book.format(text=self.text, question=question)

    def _needs_title(self) -> bool:
        return bool(self.title) and not self.text.startswith(self.title)

    def _topic(self) -> str:
        return self.wording.topic.format(title=self.title) if self.title else ""

    def _completion(self, sentence: Sentence) -> Exercise | None:
        place = self.reader.last_phrase(sentence.text)
        if place is None:
            return None
        beginning, answer = sentence.text[: place[0]].rstrip(), sentence.text[slice(*place)]
        question = self.wording.completion.format(topic=self._topic(), beginning=beginning)
        return None if self._shown(answer, question) else Exercise("completion", question, answer)

    def _nli(self, sentence: Sentence, rng: Random) -> Exercise:
        words = self.wording
        shown, answer = sentence.text, words.yes
        exchanged = next(self._exchanges(sentence, rng), None) if rng.random() < 0.5 else None
        if exchanged is not None:
            mention, other = exchanged
            shown = f"{shown[: mention.start]}{other.text}{shown[mention.end :]}"
            # Another date or figure contradicts the text. Of another name it may be true as well.
            answer = words.no if mention.kind in {"date", "number"} else words.unknown
        question = words.nli.format(sentence=shown, options=self._options([words.yes, words.unknown, words.no]))
        return Exercise("nli", question, answer)

    def _exchanges(self, sentence: Sentence, rng: Random) -> Iterator[tuple[Mention, Mention]]:
        """Yield what can be exchanged for what: of the same kind, and said in no other place of the sentence."""
        drawn = rng.sample(sentence.mentions, len(sentence.mentions))
        for mention in sorted(drawn, key=lambda mention: mention.kind == "term"):  # exchanged terms make least sense
            if _times(mention.text, sentence.text) == 1:
                others = [one for one in self._others(mention, sentence) if one.kind == mention.kind]
                if others:
                    yield mention, rng.choice(others)

    def _others(self, mention: Mention, sentence: Sentence) -> list[Mention]:
        """Return what the text mentions beside a mention and does not in its sentence."""
        said = sentence.text.casefold()
        return [
            other
            for other in self.mentions
            if other.text.casefold() not in said and not may_be_the_same(mention.text, other.text)
        ]

    def _gap(self, sentence: Sentence, mention: Mention, task: str, rng: Random) -> Exercise | None:
        words, answer = self.wording, mention.text
        if words.mark in sentence.text or words.mark in self.title:
            return None
        shown = f"{sentence.text[: mention.start]}{words.mark}{sentence.text[mention.end :]}"
        if task == "blank":
            question = words.blank.format(topic=self._topic(), sentence=shown)
            return None if self._shown(answer, question) else Exercise(task, question, answer)
        others = self._others(mention, sentence)
        alike = [other for other in others if other.kind == mention.kind]
        rest = [other for other in others if other.kind != mention.kind]
        options = [*rng.sample(alike, len(alike)), *rng.sample(rest, len(rest))][:MOST_OTHERS]
        if not options:
            return None
        shuffled = rng.sample([mention, *options], len(options) + 1)
        listed = self._options([option.text for option in shuffled])
        question = words.choice.format(topic=self._topic(), sentence=shown, options=listed)
        return Exercise(task, question, answer) if self._shown(answer, question) == 1 else None

    def _shown(self, answer: str, question: str) -> int:
        """Return how often a prompt shows an answer."""
        return _times(answer, self.wording.prompt.format(question=question))

    def _options(self, texts: Sequence[str]) -> str:
        return "".join([self.wording.option.format(text=text) for text in texts]).rstrip()


def _times(answer: str, text: str) -> int:
    """Return how often an answer stands in a text, whatever the letter case."""
    return text.casefold().count(answer.casefold())
