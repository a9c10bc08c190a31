"""A translation judged by what becomes of it on the way back: chrF of the way back with the source.

It needs no second model and knows nothing of style: what is translated word for word comes back best.
"""

from dataclasses import dataclass

from generators.engine import Reply
from generators.replies import said
from generators.segments import LANGUAGE, SOURCE
from manifests.rows import Document, Message
from manifests.stage import Rejected

CHRF = "round_trip/chrf"
SYSTEM = "You are a translator. You translate whole texts: nothing is left out, nothing is added, nothing is explained."
PROMPT = "Translate the text below into {language}. Answer with the translation only.\n\n{text}"


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One candidate in, the same candidate out with the score of its way back.

    round_trip/no_source    the row does not say what it translates
    """

    languages: tuple[tuple[str, str], ...]  # ISO 639-1 and what a prompt calls it
    otherwise: str  # the language that a source is taken to be in where it does not say so
    system: str = SYSTEM
    template: str = PROMPT

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        names = dict(self.languages)
        language = names.get(doc.labels.get(LANGUAGE, self.otherwise), names[self.otherwise])
        return Message("system", self.system), Message("user", self.template.format(language=language, text=doc.text))

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        source = doc.labels.get(SOURCE)
        if source is None:
            return Rejected(doc, "round_trip/no_source")
        return doc.replace(scores={**doc.scores, CHRF: chrf(said(reply.text), source)})


def chrf(text: str, reference: str) -> float:
    """Return sacrebleu's chrF2 of a text with one reference, 0 to 100 (Popovic 2015)."""
    from sacrebleu import sentence_chrf  # noqa: PLC0415 - a recipe is read without it

    return round(float(sentence_chrf(text, [reference]).score), 4)
