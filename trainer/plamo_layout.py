"""A model's shape as the `config.json` of PLaMo 2, and back. Weights have PLaMo 2's names already."""

from collections.abc import Mapping
from typing import Any

from manifests.errors import BadRecipe, BadSource
from trainer.config import Config

NO_WINDOW = 2_048  # written where no layer has a window: the format wants a number


def plamo_config(config: Config, max_tokens: int) -> dict[str, Any]:
    """Return the `config.json` of a model, without the ids of special tokens. Raises BadRecipe where it has none."""
    if "M" in config.pattern and config.ssm_head_width != config.attention_head:
        raise BadRecipe(
            f"PLaMo 2 has one width for all heads; this model's are {config.attention_head} in attention and "
            f"{config.ssm_head_width} in Mamba-2 layers"
        )
    attention = [ordinal for ordinal, letter in enumerate(config.pattern) if letter == "A"]
    return {
        "architectures": ["Plamo2ForCausalLM"],
        "model_type": "plamo2",
        "dtype": "float32",
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "intermediate_size": config.mlp_width,
        "num_hidden_layers": len(config.pattern),
        "hidden_size_per_head": config.attention_head,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_heads,
        # PLaMo 2 counts the tokens before a token, koba the token itself as well.
        "attention_window_size": NO_WINDOW if config.window is None else config.window - 1,
        "full_attention_idx": attention if config.window is None else [],
        "mamba_enabled": "M" in config.pattern,
        "mamba_step": _step(config.pattern),
        "mamba_num_heads": config.ssm_heads,
        "mamba_d_state": config.ssm_state,
        "mamba_d_conv": config.conv_taps,
        "mamba_chunk_size": config.chunk,
        "rms_norm_eps": config.epsilon,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tied,
        "max_position_embeddings": max_tokens,
    }


def from_plamo(body: Mapping[str, Any], where: str) -> Config:
    """Return the shape that a `config.json` describes. Raises BadSource for what our layers do not have."""
    step = body["mamba_step"] if body.get("mamba_enabled", True) else 0
    pattern = _pattern(body["num_hidden_layers"], step)
    attention = {ordinal for ordinal, letter in enumerate(pattern) if letter == "A"}
    full = {ordinal % len(pattern) for ordinal in body.get("full_attention_idx") or ()} & attention
    if full not in (set(), attention):
        raise BadSource(f"{where}: layers {sorted(full)} see all tokens and others a window; koba has one or the other")
    return Config(
        variant="plamo2",
        vocabulary=body["vocab_size"],
        pattern=pattern,
        width=body["hidden_size"],
        mlp_width=body["intermediate_size"],
        heads=body["num_attention_heads"],
        key_heads=body["num_key_value_heads"],
        head_width=body["hidden_size_per_head"],
        window=None if full else body["attention_window_size"] + 1,
        rope_theta=float(body.get("rope_theta", 10_000.0)),
        ssm_heads=body["mamba_num_heads"],
        ssm_head_width=body["hidden_size_per_head"],
        ssm_state=body["mamba_d_state"],
        conv_taps=body["mamba_d_conv"],
        epsilon=body["rms_norm_eps"],
        tied=bool(body.get("tie_word_embeddings", False)),
    )


def _pattern(layers: int, step: int) -> str:
    """Return the layers of PLaMo 2 for its `mamba_step`; 0: attention only."""
    if not step:
        return "A" * layers
    if layers <= step // 2:
        return "M" * (layers - 1) + "A"
    return "".join("A" if ordinal % step == step // 2 else "M" for ordinal in range(layers))


def _step(pattern: str) -> int:
    if "M" not in pattern:
        return 2
    for step in range(2, 2 * len(pattern) + 2):
        if _pattern(len(pattern), step) == pattern:
            return step
    raise BadRecipe(
        f"pattern {pattern}: PLaMo 2 has attention at every n-th layer, from layer n // 2 on, as in MAMA or MMAMM"
    )
