"""Text from a model, one token at a time: each costs the same, however many came before, where attention has a window.

    ids = generate(model, torch.tensor([[1, 17, 5]]), max_tokens=20, stop=2)

`read` is the step under it: what a model makes of the next tokens, given its memory of those before.
"""

# B sequences, T tokens, V vocabulary

import torch
from torch import Tensor

from manifests.errors import BadRecipe
from trainer.layout import Layout
from trainer.memory import Memory
from trainer.model import Hybrid


def memory_of(model: Hybrid) -> Memory:
    """Return an empty memory for a model."""
    return Memory.of(model.config.pattern, model.config.window)


@torch.no_grad()
def read(model: Hybrid, tokens_BT: Tensor, memory: Memory) -> Tensor:
    """Read the next tokens into a memory; return the logits [B, V] of the one that follows.

    The first call reads its tokens side by side, a later one each after the other.
    """
    parts = torch.split(tokens_BT, 1, 1) if memory.seen else (tokens_BT,)
    last_BTD = torch.empty(0)
    for part_BT in parts:
        layout = Layout.whole((part_BT.shape[0], part_BT.shape[1]), part_BT.device)
        last_BTD = model.model(part_BT, layout, memory)
    logits_BV: Tensor = model.lm_head(last_BTD[:, -1])
    return logits_BV


@torch.no_grad()
def generate(
    model: Hybrid,
    tokens_BT: Tensor,
    *,
    max_tokens: int,
    stop: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    memory: Memory | None = None,
) -> Tensor:
    """Return the tokens that follow, [B, at most max_tokens]; after `stop` a sequence holds nothing but `stop`.

    Temperature 0 takes the most probable token. With a memory the tokens follow those that it has read; it has read
    all but the last of the new ones in the end. Raises BadRecipe for tokens that the model does not have.
    """
    if not tokens_BT.numel():
        raise BadRecipe("there is nothing to go on from: give at least one token, such as the one that begins a text")
    _check(model, tokens_BT)
    memory = memory or memory_of(model)
    draw = torch.Generator(tokens_BT.device).manual_seed(seed)
    done_B1 = torch.zeros(tokens_BT.shape[0], 1, dtype=torch.bool, device=tokens_BT.device)
    made: list[Tensor] = []
    following_BT = tokens_BT
    while len(made) < max_tokens and not bool(done_B1.all()):
        chosen_B1 = _choose(read(model, following_BT, memory), temperature, draw)
        if stop is not None:
            chosen_B1 = chosen_B1.masked_fill(done_B1, stop)
            done_B1 |= chosen_B1 == stop
        made.append(chosen_B1)
        following_BT = chosen_B1
    return torch.cat(made, 1) if made else tokens_BT[:, :0]


def _choose(logits_BV: Tensor, temperature: float, draw: torch.Generator) -> Tensor:
    if temperature <= 0:
        return logits_BV.argmax(-1, keepdim=True)
    return torch.multinomial((logits_BV.float() / temperature).softmax(-1), 1, generator=draw)


def _check(model: Hybrid, tokens_BT: Tensor) -> None:
    size, (low, high) = model.config.vocabulary, (int(end) for end in tokens_BT.aminmax())
    if low < 0 or high >= size:
        wrong = high if high >= size else low
        raise BadRecipe(f"token {wrong} is none of the model's {size:,}; give it the tokenizer that it was trained on")
