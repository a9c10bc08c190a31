"""Models of others as first weights: GraniteMoeHybrid as transformers writes it, and PLaMo 2's layout both ways."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import GraniteMoeHybridConfig, GraniteMoeHybridForCausalLM

from manifests.errors import BadRecipe, BadSource, Damaged, NotFound
from tests.trainer.small import CONFIG, SETTINGS
from trainer.export import export
from trainer.granite_layout import from_granite, granite_config
from trainer.importer import import_model
from trainer.loop import load_weights
from trainer.model import Hybrid
from trainer.plamo_layout import from_plamo, plamo_config
from trainer.start import changed_shape, shape_of, start_at, tokenizer_of
from trainer.train import train

TOKENS = torch.randint(0, 300, (2, 50), generator=torch.Generator().manual_seed(0))
PLAMO = dataclasses.replace(CONFIG, variant="plamo2", pattern="MAM", ssm_head_width=16, ssm_heads=3, window=9)
CHANGES = {
    "as it is": {},
    "multipliers": {
        "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "logits_scaling": 3.0, "attention_multiplier": 0.1,
    },
    "no positions": {"position_embedding_type": None},
    "untied": {"tie_word_embeddings": False},
}  # fmt: skip


def made_by_transformers(folder, **changes):
    """A model with weights drawn by transformers, saved as it saves them."""
    torch.manual_seed(0)
    config = GraniteMoeHybridConfig(**granite_config(CONFIG, 64) | changes)
    config.pad_token_id = None
    model = GraniteMoeHybridForCausalLM(config).eval()
    model.save_pretrained(folder)
    return model


def filled(start):
    model = Hybrid(shape_of(start)).eval()
    load_weights(model, start)
    return model


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_of_transformers_gives_the_same_logits_here(tmp_path, change):
    theirs = made_by_transformers(tmp_path, **CHANGES[change])
    ours = filled(import_model(tmp_path))
    with torch.no_grad():
        expected = theirs(TOKENS).logits
        assert (ours(TOKENS) - expected).abs().max() < 1e-5 * max(1, expected.abs().max())
    assert ours.config.tied == (change in {"as it is", "no positions"})


def test_weights_in_several_files_are_read(tmp_path):
    made_by_transformers(tmp_path)
    whole = import_model(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: weights[name] for name in held}, tmp_path / file)
    index = {"weight_map": {name: file for file, held in parts.items() for name in held}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert {name: value.tolist() for name, value in import_model(tmp_path).weights().items()} == {
        name: value.tolist() for name, value in whole.weights().items()
    }


@pytest.mark.parametrize("config", [CONFIG, PLAMO, dataclasses.replace(PLAMO, window=None, tied=False)])
def test_what_was_exported_is_imported_with_the_same_weights(store, tmp_path, config):
    done = train(store, {"texts": 1}, config, SETTINGS, tmp_path / "run")
    start = start_at(export(store, done, tmp_path / "exported"))
    chunked = dataclasses.replace(start.config, chunk=config.chunk, head_width=config.head_width)
    assert chunked == config
    assert {name: value.tolist() for name, value in start.weights().items()} == {
        name: value.tolist() for name, value in done.weights().items()
    }
    assert tokenizer_of(start) == str(tmp_path / "exported" / "tokenizer.json")
    on = train(store, {"texts": 1}, start.config, SETTINGS, tmp_path / "on", start=start)
    assert on.job.start == start.weights_digest
    assert on.metrics()[0]["loss"] < done.metrics()[0]["loss"]


@pytest.mark.parametrize("pattern", ["MA", "MAMA", "MAMAM", "MMAMM", "MMMA", "AAA", "MAMMAM"])
def test_patterns_of_plamo_2_come_back(pattern):
    config = dataclasses.replace(PLAMO, pattern=pattern, head_width=16)
    assert dataclasses.replace(from_plamo(plamo_config(config, 64), "here"), chunk=16) == config


@pytest.mark.parametrize("pattern", ["AMM", "MAAM", "AMAM"])
def test_a_pattern_that_plamo_2_does_not_have_is_refused(pattern):
    with pytest.raises(BadRecipe, match="attention at every n-th layer"):
        plamo_config(dataclasses.replace(PLAMO, pattern=pattern), 64)


def test_plamo_2_has_heads_of_one_width():
    with pytest.raises(BadRecipe, match="16 in attention and 32 in Mamba-2"):
        plamo_config(dataclasses.replace(PLAMO, ssm_head_width=32), 64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'; koba trains granitemoehybrid"),
        ({"num_local_experts": 8}, "num_local_experts is 8"),
        ({"layer_types": ["mamba", "moe"]}, "layers of type moe"),
        ({"hidden_size": None}, "does not have"),
        ({"hidden_size": 31}, "does not have"),
        ({"logits_scaling": 0}, "does not have"),
    ],
)
def test_a_model_that_koba_does_not_have_is_refused(tmp_path, change, message):
    made_by_transformers(tmp_path)
    body = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(body | change))
    with pytest.raises(BadSource, match=message):
        import_model(tmp_path)


def test_a_key_that_is_missing_is_named(tmp_path):
    made_by_transformers(tmp_path)
    body = json.loads((tmp_path / "config.json").read_text())
    del body["mamba_n_heads"]
    (tmp_path / "config.json").write_text(json.dumps(body))
    with pytest.raises(BadSource, match="'mamba_n_heads' is missing"):
        import_model(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_file_is_told(tmp_path, name):
    made_by_transformers(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
    with pytest.raises(Damaged, match="fetch the model again"):
        import_model(tmp_path)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(NotFound, match=r"no config\.json"):
        import_model(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(NotFound, match=r"neither model\.safetensors"):
        import_model(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../etc/passwd"}}')
    with pytest.raises(BadSource, match=r"names '\.\./\.\./etc/passwd'"):
        import_model(tmp_path)


def test_of_a_start_only_window_and_rotary_base_may_change(tmp_path):
    made_by_transformers(tmp_path)
    start = import_model(tmp_path)
    changed = changed_shape(start, {"window": 16, "rope_theta": 1e6, "width": 32})
    assert (changed.window, changed.rope_theta) == (16, 1e6)
    with pytest.raises(BadRecipe, match=r"width 64: the model at .* has 32; only rope_theta and window may differ"):
        changed_shape(start, {"width": 64})


def test_a_shape_survives_its_config():
    config = dataclasses.replace(CONFIG, head_width=8, window=9, rope_theta=None, chunk=64)
    assert from_granite(granite_config(config, 64), "here") == config
