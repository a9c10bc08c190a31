"""A reward learnt from pairs, stored as a model, and models for sequence classification that are read as they are."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from generators.model_fetch import add_model
from generators.reward_features import LENGTHS, SURFACE, surface
from generators.reward_head import CONFIG, HEAD, Head, HeadRater, HeadReward, save_head, train_head
from generators.reward_head_command import reward_head
from generators.reward_training import trained
from generators.rewards import REWARD, Rewarded, SequenceReward
from manifests.artifact import store_model
from manifests.errors import BadRecipe, BadSource
from manifests.rows import Message, Preference, row_id
from manifests.run import run
from manifests.stage import Recipe, Rejected
from manifests.store import Store
from tests.dedup.onnx_models import write_model
from tests.generators.talks import talk, talks

UNKNOWN = "[UNK]"
PLAIN = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


def pairs(count, seed=0):
    """Features of better and worse replies: the first one decides, the others are noise, the last is always equal."""
    draw = np.random.default_rng(seed)
    better, worse = draw.normal(size=(2, count, 6))
    better[:, 0] += 2.0
    better[:, 5] = worse[:, 5] = 1.0
    return better, worse


def test_a_head_finds_what_decides_and_tells_pairs_that_it_has_not_seen():
    head = train_head(*pairs(400))
    better, worse = pairs(400, seed=1)
    assert (head.rewards(better) > head.rewards(worse)).mean() > 0.85
    assert abs(head.weights[0]) > 5 * np.abs(head.weights[1:]).max()
    assert head.weights[5] == 0


def test_equal_pairs_give_equal_heads_and_their_order_does_not_matter():
    better, worse = pairs(50)
    head, again = train_head(better, worse), train_head(better, worse)
    assert head.weights.tobytes() == again.weights.tobytes()
    assert np.allclose(train_head(better[::-1], worse[::-1]).weights, head.weights)


def test_the_weights_are_where_no_gradient_is_left():
    better, worse = pairs(60)
    head = train_head(better, worse, penalty=3.0)
    scaled = (better - worse) / head.scale
    lost = 1 / (1 + np.exp(scaled @ head.weights))
    assert np.abs(scaled.T @ lost - 3.0 * head.weights).max() < 1e-8


def test_swapped_pairs_give_the_opposite_head():
    better, worse = pairs(50)
    assert np.allclose(train_head(worse, better).weights, -train_head(better, worse).weights)


def test_pairs_that_separate_without_error_give_finite_weights():
    head = train_head(np.array([[1e6], [2e6]]), np.zeros((2, 1)), penalty=1e-3)
    assert np.isfinite(head.weights).all()


@pytest.mark.parametrize("bad", [np.zeros((3, 6)), np.zeros((0, 6)), np.full((2, 6), np.nan)])
def test_pairs_that_do_not_fit_are_refused(bad):
    with pytest.raises(BadRecipe, match="reward head: "):
        train_head(bad, np.zeros((2, 6)) if len(bad) else bad)
    with pytest.raises(BadSource, match=r"expected 6 in a row"):
        Head(np.ones(6), np.ones(6)).rewards(np.ones((2, 5)))


def test_the_surface_of_a_reply_is_counted():
    found = dict(zip((*SURFACE, *LENGTHS), surface("蜂の数は?", "蜂の数は\n- 25\n- 30", length=True), strict=True))
    assert found["items"] == pytest.approx(np.log(3))
    assert found["of_prompt"] == pytest.approx(3 / 4)
    assert found["lines"] == pytest.approx(np.log(3))
    assert found["repeated"] > 0
    assert found["ended"] == 0
    assert surface("", "", length=False).shape == (len(SURFACE),)


def test_a_folder_that_holds_no_head_is_told(tmp_path):
    (tmp_path / CONFIG).write_text(json.dumps({"model_type": "bert", "length": False}))
    (tmp_path / HEAD).write_bytes(b"no weights")
    with pytest.raises(BadSource, match="expected a reward head"):
        HeadRater(tmp_path)


def test_a_head_without_its_encoder_cannot_be_saved(tmp_path):
    with pytest.raises(BadSource, match="expected a sentence model"):
        save_head(Head(np.ones(2), np.ones(2)), tmp_path, tmp_path / "made", length=True)
    assert HeadReward().weights == (1.0,)


def tiny(folder, outputs, *, head=True):
    """A LLaMA of a few thousand weights, with or without a head for rewards."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForSequenceClassification, LlamaModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = {word: place for place, word in enumerate(["[UNK]", "bees", "boats", "25", "many", "how"])}
    made = Tokenizer(models.WordLevel(words, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token=UNKNOWN, pad_token=UNKNOWN)
    tokenizer.chat_template = PLAIN
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=6,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_labels=outputs,
        pad_token_id=0,
        max_position_embeddings=16,
    )
    (LlamaForSequenceClassification if head else LlamaModel)(config).save_pretrained(folder)


def rewarded(tmp_path, reward, *rows, **how):
    tiny(tmp_path / "model", **how)
    store = Store(str(tmp_path / "s"))
    store.tag("models/reward", store_model(store, tmp_path / "model", licence="Apache-2.0").id)
    return list(Rewarded(reward).resolve(store)(rows))


TALKS = talk("u how many bees", "a 25 bees"), talk("u how many bees", "a boats"), talk("u " + "bees " * 20, "a 25")


def test_any_model_for_sequence_classification_gives_rewards_that_depend_on_no_neighbour(tmp_path):
    first, second, third = rewarded(tmp_path, SequenceReward(), *TALKS, outputs=1)
    assert first.scores[REWARD] != second.scores[REWARD]
    assert isinstance(third, Rejected)
    assert (third.reason, third.value) == ("reward/too_long", 21)
    [alone] = rewarded(tmp_path, SequenceReward(), TALKS[1], outputs=1)
    assert alone.scores == second.scores


def test_a_model_with_another_number_of_outputs_than_weights_is_refused(tmp_path):
    with pytest.raises(BadSource, match=r"has 5 outputs; expected 1,"):
        rewarded(tmp_path, SequenceReward(), TALKS[0], outputs=5)
    [row] = rewarded(tmp_path, SequenceReward(weights=(1.0, 0.0, 0.0, 0.0, -1.0)), TALKS[0], outputs=5)
    assert row.scores[REWARD] == pytest.approx(row.scores["reward/output_1"] - row.scores["reward/output_5"])


def test_a_model_without_a_head_is_no_reward(tmp_path):
    with pytest.raises(BadSource, match=r"score\.weight: a head of random numbers"):
        rewarded(tmp_path, SequenceReward(), TALKS[0], outputs=1, head=False)


def preference(number, chosen, rejected):
    words = ("sits", "runs", "sings")[number % 3]
    turns = [(Message("assistant", f"the {animal} {words} on the roof"),) for animal in (chosen, rejected)]
    name = row_id("preference", "pairs", f"{number} {chosen}")
    return Preference(id=name, prompt=(Message("user", "who sits"),), chosen=turns[0], rejected=turns[1])


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "s"))
    add_model(store, "minilm", origin=str(write_model(tmp_path / "encoder")), licence="MIT")
    rows = [preference(number, "cat", "dog") for number in range(30)]
    run(Recipe("import", ()), talks(*rows), store=store, tag="pairs")
    return store


def test_a_dataset_of_pairs_becomes_a_model_that_gives_rewards(store):
    asked = ["pairs", "--licence", "MIT", "--penalty", "1", "--store", store.url]
    told = CliRunner().invoke(reward_head, asked)
    assert told.exit_code == 0, told.output
    assert "30 pairs; 100.0% of them are told" in told.stderr
    made = store.manifest("models/reward-head")
    assert told.stdout.strip() == made.id
    assert made.parents == (store.resolve("pairs"),)
    stage = Rewarded(HeadReward()).resolve(store)
    cat, dog = stage([talk("u who runs", f"a a {animal} runs") for animal in ("cat", "dog")])
    assert cat.scores[REWARD] > dog.scores[REWARD]
    assert CliRunner().invoke(reward_head, asked).stdout.strip() == made.id


def test_a_dataset_without_pairs_teaches_nothing(store, tmp_path):
    run(Recipe("import", ()), talks(talk("u Hello", "a Hi")), store=store, tag="talks")
    with pytest.raises(BadRecipe, match="1 rows of kind conversation; expected pairs"):
        trained(store, "talks", "models/minilm", tmp_path / "made", length=True, penalty=1.0)
