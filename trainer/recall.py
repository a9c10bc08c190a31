"""Tasks that tell how far back a model can look: Phonebook, Passkey and MQAR. Each gives questions with one answer.

    questions = phonebook(80, count=96, seed=0)
    fmean(right(question, reply) for question, reply in zip(questions, replies))

Texts are made by seeds from the lists below; no name, key or number of a task stands twice in it.
"""

import random
import re
import string
from dataclasses import dataclass

from manifests.errors import BadRecipe

_FIRST = """
    Aiko Akira Alice Amara Anton Asuka Bela Bruno Carla Chiyo Clara Daiki Dario Elena Emiko Felix Fumiko Greta Hana
    Haruto Hugo Ines Ivan Jonas Jun Kaito Karin Kenji Lara Leon Lucia Makoto Mara Mei Mila Naomi Nils Oscar Paula Rei
    Ren Rosa Sakura Sota Stella Takeshi Theo Tomas Ugo Vera Yui Yuto Zoe
"""
_LAST = """
    Abe Arai Baker Bauer Castro Costa Endo Fischer Fujita Garcia Goto Hara Hayashi Ito Jansen Kato Keller Kimura Kovac
    Larsen Lopez Maeda Martin Mori Moreau Murata Nakano Novak Ogawa Okada Olsen Ota Perez Petrov Rossi Saito Santos
    Sato Silva Suzuki Takagi Tanaka Ueda Vogel Wagner Watanabe Weber Yamada Yilmaz Yoshida Zhang Zimmer
"""
FIRST, LAST = _FIRST.split(), _LAST.split()
NAMES = len(FIRST) * len(LAST)
EXAMPLES = 2  # look-ups that come before the question
FILLER = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. "


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is given, and what is right."""

    task: str
    prompt: str
    answer: str
    size: int  # entries, pairs, or characters of filler
    place: float  # of the answer, 0 the beginning of the prompt, 1 the end


def phonebook(entries: int, count: int = 32, seed: int = 0) -> list[Question]:
    """Return look-ups in books of so many lines "First Last: number", each after two examples.

    Numbers have 10 digits, the first 6 to 9 (Jelassi et al. 2024, arXiv:2402.01032). Raises BadRecipe for more entries
    than there are names.
    """
    if not 1 + EXAMPLES <= entries <= NAMES:
        raise BadRecipe(
            f"a phonebook of {entries} entries: expected {1 + EXAMPLES} to {NAMES:,}, for no name is in it twice"
        )
    made = []
    for trial in range(count):
        draw = random.Random(f"phonebook/{seed}/{entries}/{trial}")
        names = [
            f"{FIRST[name % len(FIRST)]} {LAST[name // len(FIRST)]}" for name in draw.sample(range(NAMES), entries)
        ]
        numbers = [str(number) for number in draw.sample(range(6 * 10**9, 10**10), entries)]
        lines = [f"{name}: {number}" for name, number in zip(names, numbers, strict=True)]
        asked, *examples = draw.sample(range(entries), 1 + EXAMPLES)
        shown = [lines[example] for example in examples]
        prompt = "\n".join([*lines, "", *shown, f"{names[asked]}:"])
        made.append(Question("phonebook", prompt, numbers[asked], entries, prompt.index(lines[asked]) / len(prompt)))
    return made


def passkey(filler_chars: int, count: int = 50, seed: int = 0) -> list[Question]:
    """Return questions for a number of 1 to 50,000 that is told in one place of filler, twice over.

    After Mohtashami and Jaggi 2023, arXiv:2305.16300.
    """
    made = []
    for trial in range(count):
        draw = random.Random(f"passkey/{seed}/{filler_chars}/{trial}")
        key, before = draw.randint(1, 50_000), draw.randint(0, filler_chars)
        filler = FILLER * (filler_chars // len(FILLER) + 1)
        told = f"The pass key is {key}. Remember it. {key} is the pass key."
        prompt = (
            "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it.\n"
            f"{filler[:before]}\n{told}\n{filler[: filler_chars - before]}\nWhat is the pass key? The pass key is"
        )
        made.append(Question("passkey", prompt, str(key), filler_chars, prompt.index(told) / len(prompt)))
    return made


def mqar(pairs: int, count: int = 32, seed: int = 0) -> list[Question]:
    """Return pairs of a key and a value, three of them again, and one more key: "ab XY cd ZW ... cd ZW ab".

    Multi-query associative recall (Arora et al. 2023, arXiv:2312.04927) as text. Raises BadRecipe for too many pairs.
    """
    if not 1 <= pairs <= len(string.ascii_lowercase) ** 2:
        raise BadRecipe(
            f"mqar with {pairs} pairs: expected 1 to {len(string.ascii_lowercase) ** 2}, the keys that there are"
        )
    keys = [one + two for one in string.ascii_lowercase for two in string.ascii_lowercase]
    values = [key.upper() for key in keys]
    made = []
    for trial in range(count):
        draw = random.Random(f"mqar/{seed}/{pairs}/{trial}")
        book = list(zip(draw.sample(keys, pairs), draw.choices(values, k=pairs), strict=True))
        asked = [book[place] for place in draw.sample(range(pairs), min(pairs, 4))]
        *shown, (key, value) = asked
        text = " ".join([f"{one} {two}" for one, two in [*book, *shown]])
        prompt = f"{text} {key}"
        made.append(Question("mqar", prompt, value, pairs, prompt.index(f"{key} {value}") / len(prompt)))
    return made


def right(question: Question, reply: str) -> bool:
    """Tell whether a reply is right: by its first number in Passkey, its first word in MQAR, else its first line."""
    if question.task == "passkey":
        found = re.search(r"[0-9]+", reply)
        return found is not None and found[0] == question.answer
    said = reply.strip().partition("\n")[0].strip()
    return (said.partition(" ")[0] if question.task == "mqar" else said) == question.answer


TASKS = {"phonebook": phonebook, "passkey": passkey, "mqar": mqar}
