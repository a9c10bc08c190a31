"""A model's shape as the `config.json` of GraniteMoeHybrid in transformers, and back."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from manifests.errors import BadSource
from trainer.config import Config

LETTERS = {"mamba": "M", "attention": "A", "linear_attention": "M", "full_attention": "A"}
# What our layers do not have: the value that says it is off.
OFF = {
    "num_local_experts": 0,
    "attention_bias": False,
    "mamba_proj_bias": False,
    "mamba_conv_bias": True,
    "hidden_act": "silu",
}


def granite_config(config: Config, max_tokens: int) -> dict[str, Any]:
    """Return the `config.json` of a model, without the ids of special tokens."""
    window = {} if config.window is None else {"sliding_window": config.window}
    head = {} if config.head_width is None else {"head_dim": config.head_width}
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta}} if config.rope_theta else {}
    return window | head | rope | OFF | {
        "architectures": ["GraniteMoeHybridForCausalLM"],
        "model_type": "granitemoehybrid",
        "dtype": "float32",
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "intermediate_size": config.mlp_width,
        "shared_intermediate_size": config.mlp_width,
        "num_experts_per_tok": 0,
        "num_hidden_layers": len(config.pattern),
        "layer_types": [{"M": "linear_attention", "A": "full_attention"}[letter] for letter in config.pattern],
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_heads,
        "attention_multiplier": config.attention_head**-0.5,
        "position_embedding_type": "rope" if config.rope_theta else None,
        "max_position_embeddings": max_tokens,
        "rms_norm_eps": config.epsilon,
        "tie_word_embeddings": config.tied,
        "embedding_multiplier": 1.0,
        "residual_multiplier": 1.0,
        "logits_scaling": 1.0,
        "mamba_n_heads": config.ssm_heads,
        "mamba_d_head": config.ssm_head_width,
        "mamba_n_groups": config.ssm_groups,
        "mamba_d_state": config.ssm_state,
        "mamba_d_conv": config.conv_taps,
        "mamba_expand": config.inner // config.width,
        "mamba_chunk_size": config.chunk,
    }  # fmt: skip


def from_granite(body: Mapping[str, Any], where: str) -> Config:
    """Return the shape that a `config.json` describes. Raises BadSource for what our layers do not have."""
    for name, value in OFF.items():
        if body.get(name, value) != value:
            raise BadSource(f"{where}: {name} is {body[name]!r}; koba has dense models with {name} {value!r} only")
    kinds = body["layer_types"]
    if unknown := sorted(set(kinds) - LETTERS.keys()):
        raise BadSource(f"{where}: layers of type {', '.join(unknown)}; expected {', '.join(LETTERS)}")
    rope = body.get("rope_parameters") or body
    theta = float(rope.get("rope_theta", 10_000.0)) if body.get("position_embedding_type") == "rope" else None
    return Config(
        vocabulary=body["vocab_size"],
        pattern="".join(LETTERS[kind] for kind in kinds),
        width=body["hidden_size"],
        mlp_width=body["shared_intermediate_size"],
        heads=body["num_attention_heads"],
        key_heads=body["num_key_value_heads"],
        window=body.get("sliding_window"),
        rope_theta=theta,
        ssm_heads=body["mamba_n_heads"],
        ssm_head_width=int(body["mamba_expand"] * body["hidden_size"]) // body["mamba_n_heads"],
        ssm_groups=body["mamba_n_groups"],
        ssm_state=body["mamba_d_state"],
        conv_taps=body["mamba_d_conv"],
        epsilon=body["rms_norm_eps"],
        tied=bool(body.get("tie_word_embeddings", False)),
        head_width=body.get("head_dim"),
    )


def without_multipliers(
    config: Config, weights: Mapping[str, Tensor], body: Mapping[str, Any]
) -> tuple[Config, dict[str, Tensor]]:
    """Return shape and weights that give the same logits with all of Granite's multipliers at 1.

    Where the embedding is the output layer too, and the two have different ones, they become two matrices.
    """
    into, out = float(body.get("embedding_multiplier", 1.0)), 1 / float(body.get("logits_scaling", 1.0))
    beside = float(body.get("residual_multiplier", 1.0))
    sharper = float(body.get("attention_multiplier", 1.0)) * math.sqrt(config.attention_head)
    made = dict(weights)
    if config.tied and into != out:
        made["lm_head.weight"] = made["model.embed_tokens.weight"].clone()
        config = replace(config, tied=False)
    ends = {"embed_tokens.weight": into, "lm_head.weight": out, "q_proj.weight": sharper}
    ends |= dict.fromkeys(("out_proj.weight", "o_proj.weight", "output_linear.weight"), beside)
    for name, value in made.items():
        factor = next((factor for end, factor in ends.items() if name.endswith(end)), 1.0)
        made[name] = value if factor == 1.0 else value * factor
    return config, made
