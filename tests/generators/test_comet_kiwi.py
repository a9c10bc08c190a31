"""CometKiwi on a tiny model of its architecture, against the library's own encoder and the head written out."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from generators.comet_kiwi import CometKiwi, sparsemax
from manifests.errors import BadSource

WORDS = ["<s>", "<pad>", "</s>", "<unk>", "this", "is", "a", "test", "no", "これ", "は", "テスト"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comet")
    torch.manual_seed(3)
    config = XLMRobertaConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=26,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        layer_transformation="sparsemax",
    )
    encoder = XLMRobertaModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.normal_(0, 0.5)
    weights = {f"encoder.model.{name}": tensor.clone() for name, tensor in encoder.state_dict().items()}
    for layer, scalar in enumerate((0.4, -2.0, 0.1, 0.5)):
        weights[f"layerwise_attention.scalar_parameters.{layer}"] = torch.tensor([scalar])
    weights["layerwise_attention.gamma"] = torch.tensor([1.3])
    for layer, (rows, columns) in zip((0, 3, 6), ((6, 8), (4, 6), (1, 4)), strict=True):
        weights[f"estimator.ff.{layer}.weight"] = torch.randn(rows, columns)
        weights[f"estimator.ff.{layer}.bias"] = torch.randn(rows)
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    words = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=words, **marks).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def metric(folder):
    return CometKiwi(folder)


def score_ref(folder, ids):
    weights = load_file(folder / "model.safetensors")
    encoder = XLMRobertaModel(XLMRobertaConfig.from_pretrained(folder), add_pooling_layer=False).eval()
    encoder.load_state_dict(
        {name[len("encoder.model.") :]: tensor for name, tensor in weights.items() if name.startswith("encoder")}
    )
    with torch.no_grad():
        layers = encoder(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    # sparsemax of (.4, -2, .1, .5), by hand: the second falls out, the others lose what makes their sum 1
    mix = (0.4, 0.0, 0.1, 0.5)
    x = 1.3 * sum(share * layer[0, 0] for share, layer in zip(mix, layers, strict=True))
    for layer in (0, 3, 6):
        x = weights[f"estimator.ff.{layer}.weight"] @ x + weights[f"estimator.ff.{layer}.bias"]
        x = torch.tanh(x) if layer != 6 else x
    return float(x)


CANDIDATES = ["this is a test", "no", "", "a a a a a a a a"]


def test_scores_are_those_of_one_sequence_at_a_time(metric, folder):
    found = metric.scores("これ は テスト", CANDIDATES * 5)
    wanted = [score_ref(folder, metric._ids("これ は テスト", one)) for one in CANDIDATES]
    assert found == pytest.approx(wanted * 5, abs=1e-4)
    assert len({round(score, 3) for score in wanted}) == len(CANDIDATES)


def test_the_candidate_comes_first_and_two_ends_stand_between(metric):
    assert metric._ids("これ は", "no test") == [0, 8, 7, 2, 2, 9, 10, 2]
    assert 2 not in metric._own("</s>")


def test_what_is_too_long_loses_from_both_ends_alike(metric):
    ids = metric._ids("これ " * 30, "no " * 20)
    assert len(ids) == metric.max_tokens == 24
    assert (ids.count(8), ids.count(9)) == (5, 15)
    assert len(metric._ids("これ " * 100, "no")) == 24
    assert len(metric._ids("これ", "no " * 100)) == 24


def test_sparsemax_is_a_projection_on_the_simplex():
    for scores in (torch.zeros(4), torch.tensor([3.0, 0.1]), torch.tensor([0.4, -2.0, 0.1, 0.5])):
        shares = sparsemax(scores)
        assert float(shares.sum()) == pytest.approx(1)
        assert float(shares.min()) >= 0
    assert sparsemax(torch.tensor([3.0, 0.1])).tolist() == [1.0, 0.0]


def test_a_folder_that_is_none_is_refused_in_words(tmp_path, folder):
    with pytest.raises(BadSource, match="expected a COMET checkpoint over XLM-RoBERTa"):
        CometKiwi(tmp_path)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    weights = load_file(folder / "model.safetensors")
    save_file({name: weights[name] for name in weights if "gamma" not in name}, tmp_path / "model.safetensors")
    with pytest.raises(BadSource, match="gamma"):
        CometKiwi(tmp_path)
