"""Every decision about a training, as options of `koba train`: one function for each screen of them."""

from typing import Annotated, Literal

from trainer.config import Config
from trainer.machine import Choice, Machine
from trainer.settings import Settings


def shape(
    pattern: Annotated[str, "A letter for each layer: M Mamba-2, A attention."] = "MAMA",
    width: Annotated[int, "Width of the model; its MLP is 3 times, its Mamba-2 2 times as wide."] = 256,
    heads: Annotated[int, "Heads of attention."] = 4,
    key_heads: Annotated[int, "Heads of keys and values (GQA)."] = 2,
    window: Annotated[int | None, "Tokens that attention sees [default: all]."] = None,
    rope_theta: Annotated[float, "Base of rotary positions; 1e6 for long contexts."] = 10_000.0,
    ssm_state: Annotated[int, "State of each Mamba-2 channel."] = 64,
    variant: Annotated[
        Literal["granite", "plamo2"], "Whose layers: GraniteMoeHybrid's, which transformers and vLLM load; PLaMo 2's."
    ] = "granite",
) -> Config:
    """Every decision about the model's shape, on one screen."""
    return Config(
        pattern=pattern,
        width=width,
        mlp_width=3 * width,
        heads=heads,
        key_heads=key_heads,
        window=window,
        rope_theta=rope_theta,
        ssm_heads=max(1, width // 32),
        ssm_head_width=min(64, 2 * width),
        ssm_state=ssm_state,
        variant=variant,
    )


def settings(
    steps: Annotated[int | None, "Steps [default: as many as read all tokens once]."] = None,
    epochs: Annotated[int | None, "Instead of steps: passes over the data; for one dataset."] = None,
    batch: Annotated[int, "Sequences in a step."] = 8,
    length: Annotated[int, "Tokens in a sequence; a longer document goes on in the next one."] = 512,
    micro_batches: Annotated[int, "Parts that a batch is worked off in, to save memory (gradient accumulation)."] = 1,
    learning_rate: Annotated[float, "The highest."] = 1e-3,
    schedule: Annotated[Literal["cosine", "wsd"], "Of the learning rate; wsd keeps it up until its decay."] = "cosine",
    decay_share: Annotated[float, "Of all steps, in which wsd brings the learning rate down."] = 0.1,
    final_share: Annotated[float, "Of the learning rate, at the end."] = 0.1,
    warmup_steps: Annotated[int, "Steps until the learning rate is at its highest."] = 100,
    weight_decay: Annotated[float, "Of matrices (AdamW)."] = 0.1,
    beta1: Annotated[float, "Of AdamW."] = 0.9,
    beta2: Annotated[float, "Of AdamW."] = 0.95,
    epsilon: Annotated[float, "Of AdamW."] = 1e-8,
    clip: Annotated[float, "Highest norm of all gradients together."] = 1.0,
    precision: Annotated[Literal["fp32", "bf16"], "Of the large products; on most CPUs bf16 is slower."] = "fp32",
    seed: Annotated[int, "Of the first weights and of the order of the data."] = 0,
) -> Settings:
    """Every decision about the training, on one screen."""
    return Settings(**locals())


def machine(
    device: Annotated[str, "Where tensors lie: cpu, cuda, cuda:1; auto: a GPU where there is one."] = "auto",
    kernels: Annotated[Choice, "For scan and convolution; auto: mamba-ssm's on CUDA where installed."] = "auto",
    recompute: Annotated[bool, "Activations on the way back: less memory, a third more time, equal losses."] = False,
    compiled: Annotated[bool, "Layers by torch.compile, for GPUs: on a CPU no faster."] = False,
) -> Machine:
    """Every decision that changes speed and memory only."""
    return Machine(device, kernels, recompute, compiled)
