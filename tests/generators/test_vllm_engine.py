"""vLLM itself, on a tiny model with random weights; skipped where it is not installed."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from generators.engine import Sampling
from generators.generate import Generate
from generators.places import _OPEN
from generators.vllm_engine import Vllm
from manifests.artifact import store_model
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.tokens import train_tokenizer
from manifests.view import View
from tests.generators.tasks import Again, texts

ROOT = Path(__file__).parents[2]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def write_tiny_model(folder: Path) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = train_tokenizer(["say again what I say"] * 50, vocabulary=300)
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=tokenizer.size, max_position_embeddings=256, eos_token_id=1, **shape)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.data)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def driver(folder: Path) -> None:
    """Ask the tiny model, twice as much the second time, and print what came of it."""
    store = Store(str(folder / "store"))
    store.tag("models/tiny", store_model(store, write_tiny_model(folder / "tiny"), licence="MIT").id)

    def ask(n: int) -> tuple[object, dict[str, str]]:
        stage = Generate(Again(), "models/tiny", Sampling(max_tokens=12, n=n, min_p=0.01), engine=Vllm(capacity=4))
        source = texts(*[f"number {n}" for n in range(6)], "far too long " * 100)
        made = run(Recipe("r", (stage,)), source, store=store).manifest
        return made, {row.call.hex(): row.text for row in View(store, made)}

    first, few = ask(2)
    second, more = ask(4)
    [engine] = _OPEN.values()
    reasons = [manifest.steps[1].reasons for manifest in (first, second)]
    shared = {key: more[key] == text for key, text in few.items()}
    print(
        json.dumps({"reasons": reasons, "shared": shared, "steps": engine.meter.steps, "rows": [len(few), len(more)]})
    )


@pytest.mark.skipif(not find_spec("vllm"), reason="vllm is not installed: pip install koba[cpu] or koba[gpu]")
def test_vllm_answers_and_more_candidates_leave_the_first_ones_as_they_are(tmp_path):
    code = f"import pathlib, tests.generators.test_vllm_engine as t; t.driver(pathlib.Path({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    few, more = found["reasons"]
    assert (few.pop("generate/too_long"), more.pop("generate/too_long")) == (2, 4)  # one for each candidate
    assert found["rows"][0] + few.get("generate/cut_off", 0) + few.get("generate/empty", 0) == 12
    assert found["rows"][1] + more.get("generate/cut_off", 0) + more.get("generate/empty", 0) == 24
    assert all(found["shared"].values())
    assert found["steps"] > 0
