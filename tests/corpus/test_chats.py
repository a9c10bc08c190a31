import json
from collections import Counter
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from corpus.chat_files import ChatFiles
from corpus.chat_records import ChatReading
from corpus.chats import main, recipe
from corpus.language_names import code_of
from corpus.said_language import SaidLanguage
from corpus.stated_licence import StatedLicence
from corpus.turn_language import TurnLanguage
from corpus.user_turns import UserTurns
from manifests.errors import BadSource
from manifests.rows import Conversation, Document, Message, Origin, row_id
from manifests.run import run
from manifests.stage import Kept, Recipe, Rejected
from manifests.store import Store
from manifests.view import View
from tests.corpus.wildchat import ADDRESS, chat, turn, verdict, write

ENGLISH = "How do I keep the tomatoes on my balcony alive through a hot summer?"
JAPANESE = "ベランダのトマトを夏の暑さから守るにはどうすればよいですか。"
GERMAN = "Wie halte ich die Tomaten auf meinem Balkon in einem heißen Sommer am Leben?"
PLACE = Origin("f.jsonl", 0, 0, "sha256:0")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def read(record, locator="digest/0"):
    return ChatReading("conversation", "chats").row(record, PLACE, locator)


def rows(path, *more):
    return [row for unit in ChatFiles.find([str(path), *more]).units(Store("memory://x")) for row in unit.rows()]


def said(*turns, **facts):
    """Return a conversation; a turn is a text of the user, or a role and a text."""
    messages = [Message(*one) if isinstance(one, tuple) else Message("user", one) for one in turns]
    return Conversation(id=b"i" * 16, messages=tuple(messages), **facts)


def outcome(stage, row):
    [found] = stage([row])
    return found


# Records


def test_a_wildchat_conversation_is_read_from_parquet_with_its_flags_and_without_what_tells_who_it_was(tmp_path):
    asked = turn("user", JAPANESE, 204212, language="Japanese", redacted=True)
    path = write(
        tmp_path / "train-00000-of-00001.parquet",
        chat(
            "c9ec5b440fbdb513",
            asked,
            turn("assistant", "日よけを使います。", 204212, language="Japanese", toxic=True),
            language="Japanese",
            openai_moderation=[verdict("self-harm/intent", "hate"), verdict()],
        ),
    )
    [row] = rows(path)
    assert row == Conversation(
        id=row_id("conversation", "wildchat", "c9ec5b440fbdb513/204212"),
        source="wildchat",
        date="2023-04-09T00:02:53.000000Z",
        language="ja",
        licence="ODC-By-1.0",
        origin=row.origin,
        labels={
            "model": "gpt-4-0314",
            "said_language": "Japanese",
            "toxic": "true",
            "redacted": "true",
            "flagged": "true",
            "moderation": "hate,self_harm_intent",
        },
        messages=(Message("user", JAPANESE), Message("assistant", "日よけを使います。")),
    )
    assert ADDRESS.encode() in Path(path).read_bytes()
    assert ADDRESS not in str(row)


def test_wildchat_conversations_of_one_hash_are_several_rows(tmp_path, store):
    """The card says so: the hash is that of the content."""
    same = [chat("c9ec", turn("user", ENGLISH, number)) for number in (1, 2, 2)]
    made = run(Recipe("c", ()), ChatFiles.find([write(tmp_path / "a.parquet", *same)]), store=store).manifest
    assert (made.rows, made.steps[0].reasons) == (2, {"input/repeated_id": 1})


def test_both_spellings_of_a_category_are_one_and_either_may_be_null():
    new = {"self_harm_intent": True, "self-harm/intent": None, "violence": None}
    verdicts = [{"categories": new, "flagged": True}, {"categories": None, "flagged": None}, {"flagged": False}]
    record = {
        "conversation_hash": "c",
        "conversation": [{"role": "user", "content": "a"}],
        "openai_moderation": verdicts,
    }
    assert read(record).labels == {"flagged": "true", "moderation": "self_harm_intent"}


def test_an_lmsys_conversation_is_read():
    row = read(
        {
            "conversation_id": "33f9c7ba",
            "model": "vicuna-33b",
            "conversation": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}],
            "turn": 1,
            "language": "unknown",
            "openai_moderation": [{"categories": {"hate": False}, "category_scores": {"hate": 0.1}, "flagged": False}],
            "redacted": False,
        }
    )
    assert (row.id, row.source) == (row_id("conversation", "lmsys-chat", "33f9c7ba"), "lmsys-chat")
    assert (row.language, row.licence) == (None, None)
    assert row.labels == {"model": "vicuna-33b", "flagged": "false", "redacted": "false"}


def test_openai_messages_are_read_with_parts_tool_calls_and_a_system_turn_in_the_middle():
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "What is"}, {"type": "image_url", "image_url": {}}]},
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "look"}}]},
        {"role": "tool", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]
    row = read({"messages": messages})
    assert [(one.role, one.content) for one in row.messages] == [
        ("user", "What is"),
        ("system", "Be brief."),
        ("assistant", ""),
        ("tool", "a\nb"),
    ]
    assert outcome(UserTurns(), row).row.messages == (Message("user", "What is"),)


def test_sharegpt_speakers_are_roles_and_an_empty_record_leaves_its_id_to_a_full_one(tmp_path, store):
    chats = [
        {"id": "ZUk_0", "conversations": []},
        {"id": "ZUk_0", "conversations": [{"from": "human", "value": "a"}, {"from": "bard", "value": "b"}]},
        {"id": "ZUk_0", "conversations": [{"from": "user", "value": "c"}]},
    ]
    (tmp_path / "a.json").write_text(json.dumps(chats)[:-1])
    made = run(Recipe("c", ()), ChatFiles.find([str(tmp_path / "a.json")]), store=store).manifest
    [row] = View(store, made)
    assert (row.id, row.messages) == (
        row_id("conversation", "sharegpt", "ZUk_0"),
        (Message("user", "a"), Message("assistant", "b")),
    )
    assert made.steps[0].reasons == {"import/no_text": 1, "input/repeated_id": 1, "import/cut_off": 1}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"conversation_hash": "c", "conversation": None}, "import/no_text"),
        ({"conversation_hash": "c", "conversation": []}, "import/no_text"),
        ({"conversation": "hi"}, "import/bad_type"),
        ({"conversation": ["hi"]}, "import/bad_type"),
        ({"conversation": [None]}, "import/bad_type"),
        ({"conversation": [{"role": "user", "content": "a"}, 5]}, "import/bad_type"),
        ({"conversation": [{"role": None, "content": "a"}]}, "import/bad_type"),
        ({"conversation": [{"role": 5, "content": "a"}]}, "import/bad_type"),
        ({"conversation": [{"role": "user"}]}, "import/bad_type"),
        ({"conversation": [{"role": "user", "content": {"deep": [[[1]]]}}]}, "import/bad_type"),
        ({"conversation": [{"role": "user", "content": [["a"]]}]}, "import/bad_type"),
        ({"conversation_hash": "\ud800", "conversation": [{"role": "user", "content": "a"}]}, "import/bad_type"),
        ({"conversation_id": [1], "conversation": [{"role": "user", "content": "a"}]}, "import/bad_type"),
    ],
)
def test_what_is_no_conversation_is_refused_with_a_reason(record, reason):
    assert read(record).reason == reason


@pytest.mark.parametrize(
    ("language", "code", "label"),
    [
        ("Japanese", "ja", "Japanese"),
        ("english", "en", "english"),
        ("pt-BR", "pt", "pt-BR"),
        ("Klingon", None, "Klingon"),
        ("unknown", None, None),
        (" ", None, None),
        (None, None, None),
    ],
)
def test_the_language_is_a_code_and_a_label_as_it_was_said(language, code, label):
    row = read({"messages": [{"role": "user", "content": "a"}], "language": language})
    assert (row.language, row.labels.get("said_language")) == (code, label)


def test_a_language_of_the_wrong_type_is_a_label():
    row = read({"messages": [{"role": "user", "content": "a"}], "language": ["ja", 5]})
    assert (row.language, row.labels) == (None, {"language": '["ja", 5]'})


def test_every_code_is_its_own():
    assert {code_of(name.title()) for name in ("japanese", "JA", "ja_JP")} == {"ja"}
    assert code_of("") is None


def test_languages_of_turns_are_a_label_where_they_differ():
    turns = [{"role": "user", "content": "a", "language": name} for name in ("Latin", "English", "Latin")]
    assert read({"messages": turns, "language": "English"}).labels["turn_languages"] == "English,Latin"
    assert "turn_languages" not in read({"messages": turns[1:2], "language": "English"}).labels


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["role", "content", "from", "value", "text", "flagged", "categories"]), inner)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "conversation",
        "messages",
        "conversation_hash",
        "conversation_id",
        "openai_moderation",
        "language",
        "labels",
        "toxic",
        "timestamp",
        "id",
        "license",
        "hash",
        "turn",
    ]
)


@given(st.dictionaries(NAMES, VALUES))
def test_any_record_is_a_conversation_or_a_reject(record):
    row = read(record)
    assert isinstance(row, Conversation) or row.reason in {"import/no_text", "import/bad_type"}


def test_a_lone_surrogate_is_refused_when_the_row_is_to_be_written(tmp_path, store):
    (tmp_path / "a.jsonl").write_text('{"messages": [{"role": "user", "content": "\\ud800"}]}\n')
    made = run(Recipe("c", ()), ChatFiles.find([str(tmp_path / "a.jsonl")]), store=store).manifest
    assert (made.rows, made.steps[0].reasons) == (0, {"row/not_unicode": 1})


# Files


class Hub(MemoryFileSystem):
    """What lies at hf:// addresses, without a network."""

    protocol = "hf"
    store: dict = {}  # noqa: RUF012 - as fsspec has it
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("hf://").strip("/")


def test_a_dataset_is_read_from_its_address_on_the_hub(tmp_path):
    known = fsspec.get_filesystem_class("hf")
    fsspec.register_implementation("hf", Hub, clobber=True)
    try:
        for number in range(2):
            name = f"train-{number:05}-of-00002.parquet"
            data = Path(write(tmp_path / name, chat(f"c{number}", turn("user", ENGLISH)))).read_bytes()
            fsspec.filesystem("hf").pipe(f"/datasets/allenai/WildChat-1M/data/{name}", data)
        found = rows("hf://datasets/allenai/WildChat-1M")
        assert [row.origin.file for row in found] == [f"data/train-{n:05}-of-00002.parquet" for n in range(2)]
    finally:
        fsspec.register_implementation("hf", known, clobber=True)


def test_files_without_conversations_are_an_error_that_says_what_was_found(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(BadSource, match="found text; expected one of messages"):
        rows(tmp_path / "a.jsonl")


# Stages


def test_a_conversation_is_kept_by_the_language_its_source_says():
    stage = SaidLanguage(("ja", "en"))
    assert outcome(stage, said("a", language="ja")).values == {"said_language/wanted": 1.0}
    assert outcome(stage, said("a", language="de")).reason == "said_language/other"
    assert outcome(stage, said("a", labels={"said_language": "Klingon"})).reason == "said_language/other"
    assert outcome(stage, said("a")).values == {"said_language/wanted": None}


def test_only_what_the_user_said_stays():
    found = outcome(UserTurns(), said(("system", "s"), "a", ("assistant", "b"), " \n", "c", ("tool", "t")))
    assert (found.row.messages, found.row.id) == ((Message("user", "a"), Message("user", "c")), b"i" * 16)
    assert found.values == {"user_turns/kept": 2.0, "user_turns/removed": 4.0}


@pytest.mark.parametrize("turns", [(), (("assistant", "b"),), (" ",), (("", "a"),), (("User ", "a"),)])
def test_a_conversation_in_which_the_user_says_nothing_is_refused_as_it_was(turns):
    found = outcome(UserTurns(), said(*turns))
    assert (found.reason, found.row) == ("user_turns/none", said(*turns))


def test_what_holds_user_turns_only_passes_untouched():
    row = said("a", "b")
    assert outcome(UserTurns(), row).row is row


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (said(ENGLISH), "en"),
        (said(JAPANESE), "ja"),
        (said(GERMAN), "turn_language/other"),
        (said(GERMAN, language="en"), "turn_language/other"),
        (said(ENGLISH, JAPANESE, language="en"), "en"),
        (said(JAPANESE, language="en"), "ja"),
        (said("ok", "はい", language="en"), "ja"),
        (said("ok", "12", "👍", language="ja"), "ja"),
        (said("ok", GERMAN, "ok", language="en"), "turn_language/other"),
        (said(f"Please translate this for me into English, and keep it formal and polite. {ENGLISH}", GERMAN), "en"),
        (said("thank you very much"), "en"),
        (said("繼續"), "turn_language/unsure"),
        (said("42"), "turn_language/unsure"),
        (said(), "turn_language/unsure"),
    ],
)
def test_turns_are_judged_one_by_one_and_short_ones_are_not(row, found):
    judged = outcome(TurnLanguage(("ja", "en")), row)
    assert found == (judged.reason if isinstance(judged, Rejected) else judged.row.language)
    assert {rule.measure for rule in TurnLanguage(("ja", "en")).rules()} <= set(judged.values)


def test_of_a_long_turn_the_beginning_is_judged():
    [found] = TurnLanguage(("en",))([said(ENGLISH * 20 + "あ" * 50_000_000)])
    assert isinstance(found, Kept)


def test_a_licence_is_written_where_none_is_stated():
    first, second = StatedLicence("ODC-By-1.0")([said("a"), Document(id=b"1" * 16, text="b", licence="MIT")])
    assert (first.licence, second.licence) == ("ODC-By-1.0", "MIT")


# The program


def test_the_program_makes_one_dataset_of_what_people_asked(tmp_path, store):
    chats = [
        chat("a", turn("user", ENGLISH, 1), turn("assistant", "Water them.", 1)),
        chat("b", turn("user", ENGLISH.upper(), 2), turn("assistant", "Give shade.", 2)),
        chat(
            "c",
            turn("user", ENGLISH, 3),
            turn("assistant", "Water.", 3),
            turn("user", "And what of the peppers that stand in the shade?", 4),
        ),
        chat("d", turn("user", JAPANESE, 5), language="Japanese", toxic=True),
        chat("e", turn("user", GERMAN, 6), language="German"),
        chat("f", turn("user", GERMAN, 7)),
        chat("g", turn("assistant", "Hello?", 8)),
    ]
    made = run(recipe(), ChatFiles.find([write(tmp_path / "a.parquet", *chats)]), store=store).manifest
    kept = list(View(store, made))
    assert Counter(row.language for row in kept) == {"en": 2, "ja": 1}
    assert {turn.role for row in kept for turn in row.messages} == {"user"}
    assert [row.labels["toxic"] for row in kept if row.language == "ja"] == ["true"]
    assert {row.licence for row in kept} == {"ODC-By-1.0"}


def test_the_command_has_the_options_of_the_recipe():
    names = {option for parameter in main.params for option in parameter.opts}
    assert {"--languages", "--similarity", "--licence", "--min-language-score", "--tag", "--preview"} <= names
    assert next(step.title for step in recipe(licence="MIT").steps) == "StatedLicence"
