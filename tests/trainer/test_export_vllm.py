"""A trained model under vLLM: the same tokens with the same probabilities. Skipped where vLLM is not installed."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from manifests.artifact import resolve
from manifests.store import Store
from tests.trainer.small import SETTINGS, sentences, tokens_in
from trainer.config import Config
from trainer.export import add_trained
from trainer.loop import load_weights
from trainer.model import Hybrid
from trainer.train import train

ROOT = Path(__file__).parents[2]
CONFIG = Config(
    vocabulary=300, pattern="MAMA", width=64, mlp_width=96, heads=2, key_heads=1, ssm_heads=2, ssm_head_width=64,
    ssm_state=16, chunk=16,
)  # fmt: skip
PROMPTS = ("The factory makes dataset", "It is a quiet", "工場", "The")
ANSWERED = 12  # tokens
BROKEN = "\ufffd"  # vLLM holds back the bytes of a character that is not whole
needs_vllm = pytest.mark.skipif(not find_spec("vllm"), reason="vllm is not installed: pip install koba[cpu] or [gpu]")


def answer(url: str) -> None:
    """Load `models/small` under vLLM, beside numba, and print what it writes after each prompt, greedily."""
    import dedup.kernels  # noqa: F401
    from generators.engine import Request, Sampling
    from generators.vllm_engine import Vllm
    from generators.weights import find_model

    engine = Vllm(dtype="float32").open(find_model("models/small", Store(url)))
    sampling = Sampling(max_tokens=ANSWERED, temperature=0.0)
    replies = [future.result() for future in [engine.submit(Request(text, sampling, 0)) for text in PROMPTS]]
    engine.close()
    print(json.dumps([[reply.text, reply.tokens_out, reply.logprob] for reply in replies]))


@torch.no_grad()
def greedy(model: Hybrid, ids: list[int], end: int) -> tuple[list[int], float]:
    """Return the most probable tokens after some, up to the end token, and the log-probability of all of them."""
    made, total = [], 0.0
    for _ in range(ANSWERED):
        scores = model(torch.tensor([ids + made]))[0, -1].log_softmax(-1)
        made.append(int(scores.argmax()))
        total += float(scores.max())
        if made[-1] == end:
            break
    return made, total


@needs_vllm
def test_vllm_writes_the_tokens_of_a_trained_model_with_its_probabilities(tmp_path):
    store = Store(str(tmp_path / "store"))
    data = tokens_in(store, sentences(40))
    done = train(store, {"texts": 1}, CONFIG, SETTINGS, tmp_path / "run")
    ref = add_trained(store, "small", done, licence="Apache-2.0")
    assert resolve(store, "models/small").parents == (data.id,)
    script = f"from tests.trainer.test_export_vllm import answer; answer({store.url!r})"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    model = Hybrid(CONFIG)
    load_weights(model, done)
    file = next(file for file in store.manifest(ref.manifest).files if file.name == "tokenizer.json")
    tokenizer = Tokenizer.from_buffer(store.get(file.digest, ".file"))
    for prompt, (text, count, logprob) in zip(PROMPTS, json.loads(ran.stdout.splitlines()[-1]), strict=True):
        made, total = greedy(model.eval(), tokenizer.encode(prompt, add_special_tokens=False).ids, 1)
        assert (text.rstrip(BROKEN), count) == (tokenizer.decode(made).rstrip(BROKEN), len(made))
        assert logprob == pytest.approx(total, abs=1e-3)
