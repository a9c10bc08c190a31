"""How often a reward head, learnt from real pairs, agrees with two judgments of pairs that it did not see.

Five folds by question: no question is in two of them. Beside it stands what "the longer answer wins" gives; intervals
are those of 2,000 draws of questions. The encoder is a sentence model made for English, on Japanese text.

    python -m tests.benchmarks reward       needs models/minilm in the store that KOBA_STORE names
"""

import gzip
import hashlib
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generators.reward_features import LENGTHS, SURFACE, Features
from generators.reward_head import train_head
from manifests.artifact import checkout, resolve
from manifests.rows import Message
from manifests.store import Store
from tests.benchmarks.harness import Result

JUDGED = Path(__file__).parents[2].parent / "shared/data/preference-ja/ja-vicuna-qa.gpt4-pairwise.jsonl.gz"
FOLDS = 5
DRAWS = 2_000


def run() -> list[Result]:
    with gzip.open(JUDGED, "rt", encoding="utf-8") as lines:
        judged = [json.loads(line) for line in lines]
    pairs = [one for one in judged if one["g1_winner"] == one["g2_winner"] != "tie"]
    texts = [_ordered(one) for one in pairs]
    questions = np.array([one["question_id"] for one in pairs])
    store = Store(os.environ.get("KOBA_STORE", "store"))
    folder = checkout(store, resolve(store, "models/minilm"))
    chars = np.array([[len(text) for text in two] for two in texts], float)
    longer = np.sign(chars[:, 0] - chars[:, 1]) / 2 + 0.5  # a tie is half a win
    found = [Result("longer answer wins", "share", *_interval(longer, questions))]
    features = Features(folder, length=True)
    seen = np.array(
        [[features.of(_turns(one["question"], text)) for text in two] for one, two in zip(pairs, texts, strict=True)]
    )
    for end, named in ((-len(LENGTHS), ""), (None, ", with length")):
        for start, name in ((-len(SURFACE) - len(LENGTHS), "surface"), (None, "vectors and surface")):
            rewards = _held_out(seen[:, :, start:end], questions)
            wins = (rewards[:, 0] > rewards[:, 1]).astype(float)
            near = float(np.corrcoef(rewards.ravel(), np.log1p(chars).ravel())[0, 1])
            what = f"head on {name}{named} (r with log length {near:+.3f})"
            found.append(Result(what, "share", *_interval(wins, questions)))
    return found


def _turns(question: str, text: str) -> tuple[Message, Message]:
    return Message("user", question), Message("assistant", text)


def _ordered(one: dict[str, str]) -> tuple[str, str]:
    """Return the better and the worse answer."""
    texts = one["answer_1"].strip(), one["answer_2"].strip()
    return texts if one["g1_winner"] == "model_1" else texts[::-1]


def _held_out(features: NDArray[np.float64], questions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the rewards of better and worse answers, each by a head that was trained without their question."""
    order = sorted(set(questions.tolist()), key=lambda number: hashlib.sha256(str(number).encode()).digest())
    fold = np.array([order.index(number) % FOLDS for number in questions.tolist()])
    rewards = np.zeros(features.shape[:2])
    for held in range(FOLDS):
        head = train_head(features[fold != held, 0], features[fold != held, 1])
        rewards[fold == held] = head.rewards(features[fold == held])
    return rewards


def _interval(wins: NDArray[np.float64], questions: NDArray[np.int64]) -> tuple[float, float | None, str, str]:
    """Return the mean, nothing to compare with, and its 95 % interval over questions."""
    by_question = [wins[questions == number] for number in sorted(set(questions.tolist()))]
    draw = np.random.default_rng(0)
    means = [
        np.concatenate([by_question[place] for place in draw.integers(0, len(by_question), len(by_question))]).mean()
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(wins.mean()), None, "", f"95 %: {low:.3f} to {high:.3f}"
