"""MetricX on a tiny model of its architecture, against its formulas written out: no checkpoint is at hand in tests."""

import json
import math
from dataclasses import replace
from io import BytesIO

import pytest
import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import MT5Config, MT5ForConditionalGeneration, PreTrainedTokenizerFast

from generators.echo import Echo
from generators.generate import Generate
from generators.metricx import BATCH, MAX_TOKENS, TOKEN, MetricX
from generators.scorers import MetricX as Scorer
from generators.scorers import Scored
from generators.translate import recipe
from manifests.artifact import store_model
from manifests.errors import BadSource
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.view import View
from tests.generators.tasks import texts

LETTERS = [*"abcdefghijklmnopqrstuvwxyz:.これはテスト"]
CONFIG = {
    "d_model": 8,
    "d_kv": 4,
    "d_ff": 16,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 2,
    "feed_forward_proj": "gated-gelu",
    "vocab_size": TOKEN + 1,
    "tie_word_embeddings": False,
    "dropout_rate": 0.1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as `save_pretrained` writes one: an mT5 of 4 million random numbers, nearly all of them embeddings."""
    folder = tmp_path_factory.mktemp("metricx")
    torch.manual_seed(7)
    model = MT5ForConditionalGeneration(MT5Config(**CONFIG))
    with torch.no_grad():  # as wide as makes the scores spread from below 0 to above 25
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm" in name else 0.0, 0.5)
        model.lm_head.weight[TOKEN] *= 20
    model.save_pretrained(folder)
    words = ["<pad>", "</s>", "<unk>", *LETTERS, "▁"]
    pieces = Tokenizer(models.Unigram([(word, -1.0) for word in words], unk_id=2))
    pieces.pre_tokenizer, pieces.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    pieces.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    marks = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=pieces, **marks).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def metric(folder):
    return MetricX(folder)


def norm(x, weight):
    return weight * x / torch.sqrt((x**2).mean(-1, keepdim=True) + 1e-6)


def bucket(distance, *, both):
    """Relative positions of T5: half of 32 buckets for each direction, the far ones by logarithm."""
    number, buckets = 0, 32
    if both:
        buckets //= 2
        number, distance = (buckets if distance > 0 else 0), abs(distance)
    else:
        distance = max(0, -distance)
    exact = buckets // 2
    if distance < exact:
        return number + distance
    far = exact + int(math.log(distance / exact) / math.log(128 / exact) * (buckets - exact))
    return number + min(far, buckets - 1)


def attend(weights, name, x, read, bias):
    """One sequence, head by head: no scaling of the products, as in T5."""
    q, k, v = [given @ weights[f"{name}.{part}.weight"].T for given, part in ((x, "q"), (read, "k"), (read, "v"))]
    heads = [
        torch.softmax(q[:, at : at + 4] @ k[:, at : at + 4].T + bias[at // 4], -1) @ v[:, at : at + 4] for at in (0, 4)
    ]
    return torch.cat(heads, -1) @ weights[f"{name}.o.weight"].T


def feed(weights, name, x):
    gate = torch.nn.functional.gelu(x @ weights[f"{name}.wi_0.weight"].T, approximate="tanh")
    return (gate * (x @ weights[f"{name}.wi_1.weight"].T)) @ weights[f"{name}.wo.weight"].T


def score_ref(weights, ids):
    """The logit of <extra_id_10> after one decoder step that begins with token 0, clamped, with no library."""
    x = weights["shared.weight"][torch.tensor(ids)]
    table = weights["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    places = range(len(ids))
    bias = torch.stack([torch.stack([table[bucket(k - q, both=True)] for k in places]) for q in places]).permute(
        2, 0, 1
    )
    for block in (0, 1):
        name = f"encoder.block.{block}.layer"
        inner = norm(x, weights[f"{name}.0.layer_norm.weight"])
        x = x + attend(weights, f"{name}.0.SelfAttention", inner, inner, bias)
        x = x + feed(weights, f"{name}.1.DenseReluDense", norm(x, weights[f"{name}.1.layer_norm.weight"]))
    read = norm(x, weights["encoder.final_layer_norm.weight"])
    y = weights["shared.weight"][torch.tensor([0])]
    own = weights["decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"][bucket(0, both=False)]
    for block in (0, 1):
        name = f"decoder.block.{block}.layer"
        inner = norm(y, weights[f"{name}.0.layer_norm.weight"])
        y = y + attend(weights, f"{name}.0.SelfAttention", inner, inner, own[:, None, None])
        inner = norm(y, weights[f"{name}.1.layer_norm.weight"])
        y = y + attend(weights, f"{name}.1.EncDecAttention", inner, read, torch.zeros(2, 1, 1))
        y = y + feed(weights, f"{name}.2.DenseReluDense", norm(y, weights[f"{name}.2.layer_norm.weight"]))
    logit = norm(y, weights["decoder.final_layer_norm.weight"])[0] @ weights["lm_head.weight"][TOKEN]
    return min(25.0, max(0.0, float(logit)))


CANDIDATES = ["this is a test", "another test", "", "i", "no", "a much longer candidate. " * 12, "zzz", "q.q.q"]


def test_scores_are_those_of_the_formulas_whatever_is_read_beside(metric):
    weights = {name: tensor.detach() for name, tensor in metric._model.state_dict().items()}
    found = metric.scores("これはテスト", CANDIDATES * 3)  # more than one batch
    assert len(found) > BATCH
    wanted = [score_ref(weights, metric._ids("これはテスト", one)) for one in CANDIDATES]
    assert found == pytest.approx(wanted * 3, abs=1e-3)
    assert len({round(score, 2) for score in wanted}) >= 4  # else the comparison says little
    assert all(0 <= score <= 25 for score in found)


def test_the_input_names_source_and_candidate_has_no_reference_and_no_end(metric):
    ids = metric._ids("ab", "c d")
    said = metric._tokenizer.decode(ids)
    assert said.split() == ["source:", "ab", "candidate:", "c", "d"]
    assert metric._tokenizer.eos_token_id not in ids


def test_a_long_input_is_cut_at_the_length_of_training_and_loses_its_end_token(metric):
    ids = metric._ids("a" * 4_000, "b" * 10**6)
    assert len(ids) == MAX_TOKENS - 1
    assert metric._tokenizer.eos_token_id not in ids


def test_translate_chooses_by_it_the_candidate_with_the_fewest_errors(folder, metric, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(str(tmp_path / "s"))
    store.tag("models/metricx", store_model(store, folder, licence="Apache-2.0").id)
    given = ["テストは、これ", "これはテスト", "これ、はテストテスト"]
    steps = recipe("ja", "echo", "echo", choose="metricx", n=3).steps
    engine = Echo(lambda request: given[request.candidate], 0.0, 8)
    steps = tuple(replace(step, engine=engine) if isinstance(step, Generate) else step for step in steps)
    source = "this is a test."
    made = run(Recipe("r", steps), texts(source), store=store).manifest
    errors = metric.scores(source, given)
    assert len(set(errors)) == 3
    [row] = View(store, made)
    assert row.text == given[errors.index(min(errors))]
    assert row.scores["metricx/errors"] == pytest.approx(min(errors), abs=1e-3)
    scored = store.manifest(made.parents[0])
    assert scored.models == {"models/metricx": store.manifest("models/metricx").id}
    assert [one.scores["metricx/errors"] for one in View(store, scored)] == pytest.approx(errors, abs=1e-3)


def test_the_layout_of_the_published_checkpoints_is_read_with_a_vocabulary_of_sentencepiece(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    config = json.loads((tmp_path / "config.json").read_text()) | {"architectures": ["MT5ForRegression"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer", "extra_ids": 0}')
    lines = [f"source: word {n} candidate: これは{n}番目のテスト" for n in range(200)]
    ids = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
    vocabulary = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=vocabulary, vocab_size=60, minloglevel=2, **ids
    )
    (tmp_path / "spiece.model").write_bytes(vocabulary.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=vocabulary.getvalue())
    metric = MetricX(tmp_path)
    for source, candidate in (("word 7", "これは7番目"), ("a  b\n c", "テスト ｱ①"), ("", "")):
        assert metric._ids(source, candidate) == pieces.encode(f"source: {source} candidate: {candidate}")


def test_a_folder_that_lacks_weights_or_the_token_is_refused_in_words(folder, tmp_path):
    with pytest.raises(BadSource, match="expected MetricX-24 with the token 999999"):
        MetricX(folder, token=999_999)
    with pytest.raises(BadSource, match="expected MetricX-24, an mT5 and its tokenizer"):
        MetricX(tmp_path)


def test_the_step_is_known_by_the_weights_in_the_store_and_not_by_their_name(folder, tmp_path):
    store = Store(str(tmp_path / "s"))
    for name in ("metricx", "other"):
        store.tag(f"models/{name}", store_model(store, folder, licence="Apache-2.0").id)
    one, two = (Recipe("r", (Scored(Scorer(f"models/{name}")),)).resolve(store) for name in ("metricx", "other"))
    assert one.fingerprint == two.fingerprint
    assert one.steps[0].used().models == {"models/metricx": store.manifest("models/metricx").id}
