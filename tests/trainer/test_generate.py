"""Reading token by token gives what reading all at once gives, and in a window the memory does not grow."""

import dataclasses

import pytest
import torch

from manifests.errors import BadRecipe
from tests.trainer.test_model import SMALL
from trainer.generate import generate, memory_of, read
from trainer.model import Hybrid

TOKENS = torch.randint(0, 50, (2, 150), generator=torch.Generator().manual_seed(0))
SHAPES = {
    "granite": SMALL,
    "window": dataclasses.replace(SMALL, window=24),
    "one token": dataclasses.replace(SMALL, window=1),
    "groups": dataclasses.replace(SMALL, ssm_groups=2),
    "no positions": dataclasses.replace(SMALL, rope_theta=None),
    "plamo2": dataclasses.replace(SMALL, variant="plamo2", window=24),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", [1, 10, 149])
def test_reading_token_by_token_gives_the_logits_of_reading_all_at_once(shape, first):
    model = Hybrid(SHAPES[shape])
    with torch.no_grad():
        whole = model(TOKENS)
    memory = memory_of(model)
    made = [read(model, TOKENS[:, :first], memory)]
    made += [read(model, TOKENS[:, [place]], memory) for place in range(first, 150)]
    expected = whole[:, first - 1 :]
    assert torch.allclose(torch.stack(made, 1), expected, rtol=1e-4, atol=1e-5)
    assert memory.seen == 150


def test_several_tokens_at_once_go_on_from_a_memory():
    model = Hybrid(SHAPES["window"])
    memory = memory_of(model)
    for part in TOKENS.split([60, 50, 40], 1):
        last = read(model, part, memory)
    with torch.no_grad():
        assert torch.allclose(last, model(TOKENS)[:, -1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", ["window", "plamo2"])
def test_in_a_window_the_memory_does_not_grow(shape):
    model = Hybrid(SHAPES[shape])
    memory = memory_of(model)
    sizes = set()
    for tokens in [TOKENS[:, :24], *TOKENS[:, 24:].split(1, 1)]:
        read(model, tokens, memory)
        sizes.add(memory.size_bytes)
    assert len(sizes) == 1
    keys, state, tail = 2 * 1 * 24 * 32, 4 * 32 * 16, 3 * (128 + (2 * 16 if shape == "window" else 0))
    assert sizes == {2 * 2 * 4 * (2 * keys // 2 + state + tail)}


def test_without_a_window_the_memory_grows_with_what_was_read():
    model = Hybrid(SMALL)
    memory = memory_of(model)
    read(model, TOKENS[:, :64], memory)
    before = memory.size_bytes
    read(model, TOKENS[:, 64:65], memory)
    assert memory.size_bytes > before


@pytest.mark.parametrize("shape", ["granite", "plamo2"])
def test_a_model_writes_its_most_probable_tokens(shape):
    model = Hybrid(SHAPES[shape])
    text = TOKENS[:, :5]
    for _ in range(12):
        with torch.no_grad():
            text = torch.cat([text, model(text)[:, -1].argmax(-1, keepdim=True)], 1)
    assert torch.equal(generate(model, TOKENS[:, :5], max_tokens=12), text[:, 5:])


def test_a_sequence_ends_at_its_stop():
    model = Hybrid(SMALL)
    free = generate(model, TOKENS[:1, :5], max_tokens=8)
    stop = int(free[0, 3])
    stopped = generate(model, TOKENS[:1, :5], max_tokens=8, stop=stop)
    assert stopped.tolist() == [free[0, : free[0].tolist().index(stop) + 1].tolist()]


def test_drawn_tokens_depend_on_the_seed_alone():
    model = Hybrid(SMALL)
    drawn = [generate(model, TOKENS[:, :5], max_tokens=20, temperature=1.0, seed=seed).tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("token", [50, -1])
def test_a_token_that_the_model_does_not_have_is_refused(token):
    with pytest.raises(BadRecipe, match=f"token {token} is none of the model's 50"):
        generate(Hybrid(SMALL), torch.tensor([[1, token]]), max_tokens=1)
    with pytest.raises(BadRecipe, match="nothing to go on from"):
        generate(Hybrid(SMALL), torch.empty(1, 0, dtype=torch.long), max_tokens=1)
