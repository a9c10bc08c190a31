import dataclasses
import io
import json
import warnings

import pytest
import sentencepiece
import torch
from transformers import AutoTokenizer, GraniteMoeHybridForCausalLM

from manifests.tokens import Tokenizer
from tests.trainer.small import CONFIG, SETTINGS, sentences
from trainer.export import TokenizerWarning, WindowWarning, export, write_tokenizer
from trainer.loop import load_weights
from trainer.model import Hybrid
from trainer.train import train

SHAPES = {
    "small": CONFIG,
    "untied": dataclasses.replace(CONFIG, tied=False),
    "groups": dataclasses.replace(
        CONFIG, pattern="MAM", ssm_heads=4, ssm_groups=2, ssm_head_width=16, rope_theta=1e6, heads=4, key_heads=2
    ),
}


def exported(store, folder, config):
    done = train(store, {"texts": 1}, config, SETTINGS, folder / "run")
    model = Hybrid(config)
    load_weights(model, done)
    return model.eval(), export(store, done, folder / "exported")


@pytest.mark.parametrize("shape", SHAPES)
def test_transformers_loads_an_export_strictly_and_gives_equal_logits(store, tmp_path, shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error", WindowWarning)
        model, folder = exported(store, tmp_path, SHAPES[shape])
    theirs, info = GraniteMoeHybridForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(info[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"))
    tokens = torch.randint(0, 300, (2, 50), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (model(tokens) - theirs.eval()(tokens).logits).abs().max() < 1e-5


def test_an_exported_tokenizer_gives_the_tokens_that_were_trained_on(store, tmp_path):
    _, folder = exported(store, tmp_path, CONFIG)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "The factory makes dataset 7. 工場 🏭"
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1, 2)
    assert json.loads((folder / "config.json").read_text())["eos_token_id"] == 1


def sentencepiece_model(kind):
    texts = [*sentences(20), "工場の日記です。", "an </s> in a text", "two  blanks\nand a line"]
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=made, vocab_size=330, model_type=kind, byte_fallback=True,
        hard_vocab_limit=False, minloglevel=2, normalization_rule_name="identity", remove_extra_whitespaces=False,
    )  # fmt: skip
    return Tokenizer(made.getvalue()), [text for text in texts if "</s>" not in text]


def test_transformers_reads_an_exported_sentencepiece_model(tmp_path):
    ours, plain = sentencepiece_model("bpe")
    write_tokenizer(ours, tmp_path, begin="<s>", end="</s>", pad="</s>")
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert [theirs.encode(text, add_special_tokens=False) for text in plain] == ours.encode_batch(plain)
    assert (len(theirs), theirs.eos_token_id) == (ours.size, ours.token_id("</s>"))


def test_a_tokenizer_that_transformers_cannot_read_is_written_with_a_warning(tmp_path):
    ours, _ = sentencepiece_model("unigram")
    with pytest.warns(TokenizerWarning, match="hand token ids to the model"):
        write_tokenizer(ours, tmp_path, begin="<s>", end="</s>", pad="</s>")
    assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.model"]


def test_a_window_is_written_with_a_warning(store, tmp_path):
    with pytest.warns(WindowWarning, match="sees 16 tokens only"):
        _, folder = exported(store, tmp_path, dataclasses.replace(CONFIG, window=16))
    assert json.loads((folder / "config.json").read_text())["sliding_window"] == 16
