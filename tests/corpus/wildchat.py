"""Conversations in the columns of WildChat-1M, as its card has them, with texts of our own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

HEADER = pa.struct([("accept-language", pa.string()), ("user-agent", pa.string())])
TIME = pa.timestamp("us", "UTC")
TURN = pa.struct(
    [
        ("content", pa.string()),
        ("country", pa.string()),
        ("hashed_ip", pa.string()),
        ("header", HEADER),
        ("language", pa.string()),
        ("redacted", pa.bool_()),
        ("role", pa.string()),
        ("state", pa.string()),
        ("timestamp", TIME),
        ("toxic", pa.bool_()),
        ("turn_identifier", pa.int64()),
    ]
)
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "harassment_threatening",
    "hate",
    "hate/threatening",
    "hate_threatening",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "self_harm",
    "self_harm_instructions",
    "self_harm_intent",
    "sexual",
    "sexual/minors",
    "sexual_minors",
    "violence",
    "violence/graphic",
    "violence_graphic",
)
VERDICT = pa.struct(
    [
        ("categories", pa.struct([(name, pa.bool_()) for name in CATEGORIES])),
        ("category_scores", pa.struct([(name, pa.float64()) for name in CATEGORIES])),
        ("flagged", pa.bool_()),
    ]
)
DETOXIFY = pa.struct([(name, pa.float64()) for name in ("identity_attack", "insult", "obscene", "toxicity")])
SCHEMA = pa.schema(
    [
        ("conversation_hash", pa.string()),
        ("model", pa.string()),
        ("timestamp", TIME),
        ("conversation", pa.list_(TURN)),
        ("turn", pa.int64()),
        ("language", pa.string()),
        ("openai_moderation", pa.list_(VERDICT)),
        ("detoxify_moderation", pa.list_(DETOXIFY)),
        ("toxic", pa.bool_()),
        ("redacted", pa.bool_()),
        ("state", pa.string()),
        ("country", pa.string()),
        ("hashed_ip", pa.string()),
        ("header", HEADER),
    ]
)
WHEN = datetime(2023, 4, 9, 0, 2, 53, tzinfo=UTC)
ADDRESS = "22fd87ba9b98f6d2"
SEEN = {
    "country": "Japan",
    "state": "Tokyo",
    "hashed_ip": ADDRESS,
    "header": {"accept-language": "ja", "user-agent": "Mozilla/5.0"},
}


def turn(role: str, content: str | None, number: int = 1, **facts: Any) -> dict[str, Any]:
    """Return one turn of a conversation."""
    usual = {"language": "English", "toxic": False, "redacted": False, "turn_identifier": number}
    seen = SEEN if role == "user" else {"timestamp": WHEN}
    return {"role": role, "content": content} | usual | seen | facts


def verdict(*flagged: str) -> dict[str, Any]:
    """Return what OpenAI's moderation said of one turn, in the older spelling of its categories."""
    slashed = [name for name in CATEGORIES if "_" not in name]
    return {
        "categories": {name: name in flagged for name in slashed},
        "category_scores": dict.fromkeys(slashed, 0.1),
        "flagged": bool(flagged),
    }


def chat(name: str, *turns: dict[str, Any] | None, **facts: Any) -> dict[str, Any]:
    """Return one conversation."""
    usual = {
        "conversation_hash": name,
        "model": "gpt-4-0314",
        "timestamp": WHEN,
        "conversation": list(turns),
        "turn": (len(turns) + 1) // 2,
        "language": "English",
        "openai_moderation": [verdict() for _ in turns],
        "detoxify_moderation": [dict.fromkeys(("identity_attack", "insult", "obscene", "toxicity"), 0.01)],
        "toxic": False,
        "redacted": False,
    }
    return usual | SEEN | facts


def write(path: Path, *chats: dict[str, Any]) -> str:
    """Write conversations as one file of the dataset."""
    pq.write_table(pa.Table.from_pylist(list(chats), SCHEMA), path)
    return str(path)
