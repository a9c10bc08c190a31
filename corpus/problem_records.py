"""Records of mathematics datasets as documents: the text is the problem, all else a label.

GSM8K   question, answer; the answer is a solution with calculator annotations and a last line "#### 18"
Lila    input, output_program, output_answer, split, dataset: one set of its mixture; its own archive is CC-BY-4.0
SVAMP   Body, Question, Equation, Answer, Type
AQuA    question, options, rationale, correct; the answer is what the correct option says
MGSM    question, answer_number (GSM8K's test problems in other languages, to measure with: its split is always test)

Labels: `answer`, `dataset`, `split` (of the record, else of the file's name), and where there is one `solution`,
`program` and `equation`. A problem's id is made of its words and its answer, so that it is the same in any file.

Refused:

problems/no_question    there is no problem in the record, or it is no text
problems/no_answer      it has no answer
problems/two_answers    it has several that differ
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from filters.language import kana_share
from manifests.foreign import Reading
from manifests.rows import Origin, Row
from manifests.stage import Rejected

FORMS = {  # the columns that tell a dataset; the first that fits
    "lila": ("input", "output_answer"),
    "svamp": ("Body", "Question", "Answer"),
    "aqua": ("question", "options", "correct"),
    "mgsm": ("question", "answer_number"),
    "gsm8k": ("question", "answer"),
}
LICENCES = {"gsm8k": "MIT", "svamp": "MIT", "aqua": "Apache-2.0", "mgsm": "CC-BY-4.0", "lila": "CC-BY-4.0"}
_HASHES = re.compile(r"^#### *(-?[0-9.,]+)", re.MULTILINE)  # the reference extraction of GSM8K
_SPLIT = re.compile(r"(?:^|[/_.-])(train|test|dev|validation|valid)(?=[/_.-]|$)")
_SPLITS = {"validation": "dev", "valid": "dev"}
_Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProblemReading(Reading):
    """How records of problems become documents: all of it is part of what the rows depend on."""

    problem_version: int = 1  # raised by hand when the same record gives another row

    def row(self, given: Mapping[str, Any], origin: Origin, locator: str) -> Row | Rejected:
        """Return the problem of one record, which was read at `origin`; see `Reading.row`."""
        dataset = form_of(given)
        problem = _READERS[dataset](given) if dataset else _Problem("", ())
        if not problem.text.strip():
            return Rejected(self.nameless(locator, origin), "problems/no_question")
        answers = list(dict.fromkeys([answer.strip() for answer in problem.answers if answer.strip()]))
        if not answers:
            return Rejected(self.nameless(locator, origin), "problems/no_answer")
        if len(answers) > 1:
            return Rejected(self.nameless(locator, origin), "problems/two_answers", float(len(answers)), 1.0)
        name = str(given.get("dataset") or dataset)
        found = _SPLIT.search(origin.file.lower())
        split = "test" if dataset == "mgsm" else str(given.get("split") or (found[1] if found else ""))
        labels = {"answer": answers[0], "dataset": name, "split": _SPLITS.get(split, split), **problem.more}
        record = {
            "id": hashlib.sha256(f"{problem.text}\0{answers[0]}".encode("utf-8", "replace")).hexdigest(),
            "source": dataset,
            "text": problem.text.strip(),
            "language": "ja" if kana_share(problem.text) else "en",
            "licence": given.get("licence") or given.get("license") or LICENCES[dataset or "gsm8k"],
            "labels": {label: value for label, value in labels.items() if value},
        }
        return Reading.row(self, record, origin, locator)


@dataclass(frozen=True, slots=True)
class _Problem:
    text: str
    answers: tuple[str, ...]
    more: Mapping[str, str] = field(default_factory=dict)  # labels beside the answer


def form_of(record: _Record) -> str | None:
    """Return the dataset whose columns a record has, or None."""
    return next((name for name, columns in FORMS.items() if all(column in record for column in columns)), None)


def _gsm8k(record: _Record) -> _Problem:
    solution = _text(record["answer"])
    answers = [answer.replace(",", "").rstrip(".") for answer in _HASHES.findall(solution)]
    return _Problem(_text(record["question"]), tuple(answers), {"solution": solution})


def _mgsm(record: _Record) -> _Problem:
    return _Problem(_text(record["question"]), (_text(record["answer_number"]).replace(",", ""),))


def _svamp(record: _Record) -> _Problem:
    body, question = _text(record["Body"]).strip(), _text(record["Question"]).strip()
    whole = body.endswith((".", "?", "!")) or not body
    text = f"{body} {question}".strip() if whole else f"{body}, {question[:1].lower()}{question[1:]}"
    return _Problem(text, (_text(record["Answer"]),), {"equation": _text(record.get("Equation"))})


def _aqua(record: _Record) -> _Problem:
    options, correct = record["options"], _text(record["correct"])
    given = options if isinstance(options, list) else []
    chosen = [_text(option).partition(")")[2] for option in given if _text(option).partition(")")[0] == correct]
    return _Problem(_text(record["question"]), tuple(chosen), {"solution": _text(record.get("rationale"))})


def _lila(record: _Record) -> _Problem:
    given = record["output_answer"]
    answers = [_text(answer) for answer in (given if isinstance(given, list) else [given])]
    program = record.get("output_program")
    first = program[0] if isinstance(program, list) and program else program
    return _Problem(_text(record["input"]), tuple(answers), {"program": _text(first)})


def _text(value: Any) -> str:
    """Return a value as text: a number without a needless ".0", nothing where it is neither number nor text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


_READERS: dict[str, Callable[[_Record], _Problem]] = {
    "gsm8k": _gsm8k,
    "mgsm": _mgsm,
    "svamp": _svamp,
    "aqua": _aqua,
    "lila": _lila,
}
