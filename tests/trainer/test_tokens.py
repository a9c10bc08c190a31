import io
import pickle

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from manifests import canonical
from manifests.errors import BadRecipe, BadSource, Damaged, NotFound
from manifests.rows import Conversation, Document, Message, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.tokens import Tokenize, Tokenizer, load_tokenizer, tokenizer_digest, train_tokenizer
from manifests.view import View
from tests.trainer.small import Texts, sentences

TEXTS = (*sentences(20), "工場の日記です。今日もデータを作る。", "an <|end|> in a text")
BYTES = train_tokenizer(TEXTS, 300)


@pytest.fixture(scope="module")
def pieces():
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=made, vocab_size=340, byte_fallback=True,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    return Tokenizer(made.getvalue())


def conversation(*turns):
    return Conversation(id=bytes(16), messages=tuple(Message(role, content) for role, content in turns))


def document(text):
    return Document(id=row_id("document", "test", text), source="test", text=text, language="en", licence="MIT")


@given(st.text())
def test_every_text_comes_back_from_its_tokens(text):
    assert BYTES.decode(BYTES.encode_batch([text])[0]) == text


def test_equal_texts_give_an_equal_tokenizer():
    assert train_tokenizer(TEXTS, 300).digest == BYTES.digest
    assert BYTES.digest == canonical.sha256(BYTES.data)
    assert train_tokenizer(sentences(20, "office"), 300).digest != BYTES.digest


def test_a_learned_tokenizer_writes_in_fewer_tokens_than_bytes():
    [ids] = BYTES.encode_batch([TEXTS[3]])
    assert len(ids) < 0.6 * len(TEXTS[3])
    assert 261 < BYTES.size <= 300


def test_words_are_not_joined_over_their_borders():
    merged = train_tokenizer(["2024 API連携 is. 工場 is."] * 50, 400)
    for borders in ("2024", "API連携", "e.", "m n"):
        found = [merged.decode([token]) for token in merged.encode_batch([borders])[0]]
        assert borders not in found


def test_a_special_token_in_a_text_is_text(pieces):
    for tokenizer, token in ((BYTES, "<|end|>"), (pieces, "</s>")):
        [ids] = tokenizer.encode_batch([f"an {token} in a text"])
        assert tokenizer.token_id(token) not in ids


def test_a_sentencepiece_model_is_a_tokenizer(pieces):
    [ids] = pieces.encode_batch([TEXTS[20]])
    assert pieces.decode(ids) == TEXTS[20]
    assert pieces.specials == ("<s>", "</s>")
    assert pieces.token_id("</s>") == 2


def test_a_token_that_is_not_there_is_named(pieces):
    for tokenizer in (BYTES, pieces):
        with pytest.raises(BadRecipe, match=r"no token '<\|other\|>'; its special tokens are <"):
            tokenizer.token_id("<|other|>")


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b"\x00\x01", b"[1]"])
def test_what_is_no_tokenizer_is_refused(data):
    with pytest.raises(BadSource, match="no tokenizer"):
        Tokenizer(data)


def test_a_tokenizer_is_stored_under_its_digest(tmp_path):
    store = Store(str(tmp_path))
    digest = BYTES.save(store)
    assert load_tokenizer(store, digest).encode_batch(["a quiet day"]) == BYTES.encode_batch(["a quiet day"])
    with pytest.raises(NotFound):
        load_tokenizer(store, canonical.sha256(b"another"))
    [path] = tmp_path.rglob(f"{digest}.tokenizer")
    path.write_bytes(BYTES.data + b" ")
    with pytest.raises(Damaged):
        load_tokenizer(store, digest)


def test_a_vocabulary_has_room_for_all_bytes():
    with pytest.raises(BadRecipe, match="256 bytes and 5 special tokens"):
        train_tokenizer(TEXTS, 260)


def test_a_row_of_tokens_names_its_text_as_its_parent(tmp_path):
    store = Store(str(tmp_path))
    documents = run(Recipe("texts", ()), Texts(TEXTS), store=store, tag="texts").manifest
    digest = BYTES.save(store)
    made = run(Recipe("tokens", (Tokenize(digest, store),)), "texts", store=store, tag="tokens").manifest
    texts = {row.id: row.text for row in View(store, documents)}
    rows = list(View(store, made))
    assert made.kind == "tokens"
    assert made.tokens == sum(len(row.input_ids) for row in rows)
    assert sorted(row.parents for row in rows) == sorted((row,) for row in texts)
    for row in rows:
        assert (row.input_ids[0], row.input_ids[-1]) == (0, 1)
        assert BYTES.decode(row.input_ids[1:-1]) == texts[row.parents[0]]
        assert row.token_count == len(row.input_ids)
    assert tokenizer_digest(store, made) == digest
    with pytest.raises(BadSource, match="made with 0 tokenizers"):
        tokenizer_digest(store, documents)


def test_a_conversation_becomes_chatml(tmp_path):
    store = Store(str(tmp_path))
    stage = Tokenize(BYTES.save(store), store, begin=None, end=None)
    [row] = stage([conversation(("user", "a <|im_end|> b"), ("assistant", "yes"))])
    start, end = BYTES.token_id("<|im_start|>"), BYTES.token_id("<|im_end|>")
    assert [row.input_ids.count(token) for token in (start, end)] == [2, 2]
    written = "<|im_start|>user\na <|im_end|> b<|im_end|>\n<|im_start|>assistant\nyes<|im_end|>\n"
    assert BYTES.decode(row.input_ids) == written


def test_documents_and_conversations_keep_their_order_in_a_batch(tmp_path):
    store = Store(str(tmp_path))
    stage = Tokenize(BYTES.save(store), store)
    rows = [document("one"), conversation(("user", "two")), document("three")]
    found = [BYTES.decode(row.input_ids) for row in stage(rows)]
    assert [text for text in ("one", "two", "three") for line in found if text in line] == ["one", "two", "three"]
    assert ["one" in found[0], "two" in found[1], "three" in found[2]] == [True] * 3


def test_the_place_of_the_store_is_no_part_of_the_step(tmp_path):
    one, two = (Tokenize(BYTES.digest, Store(str(tmp_path / name))) for name in ("one", "two"))
    assert canonical.digest(one) == canonical.digest(two)
    assert canonical.digest(one) != canonical.digest(Tokenize(BYTES.digest, one.store, begin=None))
    assert canonical.digest(pickle.loads(pickle.dumps(one))) == canonical.digest(one)  # noqa: S301
