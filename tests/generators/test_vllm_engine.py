"""vLLM itself, on a tiny model with random weights; started twice for all tests, skipped where it is not installed."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from generators.calls import BATCH_CALLS
from generators.compaction import listed, read_calls
from generators.engine import Sampling
from generators.forms import Choice, Form, JsonSchema, Regex
from generators.generate import Generate
from generators.places import _OPEN
from generators.purse import Purse, with_purse
from generators.together import Threads
from generators.vllm_engine import Vllm
from generators.weights import find_model
from manifests.artifact import store_model
from manifests.errors import Damaged, NotFound
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.tokens import train_tokenizer
from manifests.view import View
from tests.generators.tasks import Again, texts
from tests.patience import LIMIT_S

ROOT = Path(__file__).parents[2]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
NAMES = tuple(f"number {n}" for n in range(300))
SAMPLING = Sampling(max_tokens=48, n=2)
FORMS = (Choice(("say", "again")), Regex("[ab]{3}"), JsonSchema({"enum": ["a", 17, {"b": []}]}))
needs_vllm = pytest.mark.skipif(
    not find_spec("vllm"), reason="vllm is not installed: pip install koba[cpu] or koba[gpu]"
)


def write_tiny_model(folder: Path) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = train_tokenizer(["say again what I say"] * 50, vocabulary=300)
    shape = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=tokenizer.size, max_position_embeddings=256, eos_token_id=1, **shape)
    model = LlamaForCausalLM(config)
    model.lm_head.weight.data[1] *= 20  # so that it ends its replies, at one time or another
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.data)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def asks(sampling: Sampling) -> Recipe:
    return Recipe("asks", (Generate(Again(), "models/tiny", sampling),))


def first(folder: str) -> None:
    """Ask the tiny model, twice as much the second time; say what came of it; go on until somebody ends this."""
    store = Store(f"{folder}/store")

    def ask(n: int) -> tuple[object, dict[str, str]]:
        source = texts(*[f"number {n}" for n in range(6)], "far too long " * 100)
        made = run(asks(Sampling(max_tokens=40, n=n, min_p=0.01)), source, store=store).manifest
        return made, {row.call.hex(): row.text for row in View(store, made)}

    def formed(form: Form) -> dict[str, list[str]]:
        source = texts(*[f"number {n}" for n in range(6)])
        made = run(asks(Sampling(max_tokens=40, form=form)), source, store=store).manifest
        return {"rows": [row.text for row in View(store, made)], "reasons": sorted(made.steps[-1].reasons)}

    few, more = ask(2), ask(4)
    [engine] = _OPEN.values()
    reasons = [manifest.steps[-1].reasons for manifest, _ in (few, more)]
    said = {"reasons": reasons, "few": few[1], "more": more[1], "steps": engine.meter.steps}
    said["formed"] = [formed(form) for form in FORMS]
    print(json.dumps(said), flush=True)
    run(asks(SAMPLING), texts(*NAMES[:200], units=3), store=store, map=Threads())
    time.sleep(LIMIT_S)


def second(folder: str) -> None:
    """Ask what was asked when the first one was ended, in another order and in other units."""
    store, purse = Store(f"{folder}/store"), Purse()
    recipe = with_purse(asks(SAMPLING), purse)
    made = run(recipe, texts(*reversed(NAMES), units=5), store=store, map=Threads(2)).manifest
    rows = {row.call.hex(): row.text for row in View(store, made)}
    reasons = made.steps[-1].reasons
    print(json.dumps({"reasons": reasons, "rows": rows, "calls": purse.calls, "paid": purse.paid_calls}))


def replies(store: Store) -> dict[str, dict[str, str]]:
    """The texts of all calls that are stored, by scope and key."""
    folders = sorted({key.rpartition("/")[0] for key in store.files.keys("calls")})
    tables = {folder: [read_calls(store, key)[0] for key in listed(store, folder)] for folder in folders}
    return {
        folder: {row["key"].hex(): row["text"] for table in found for row in table.to_pylist()}
        for folder, found in tables.items()
    }


@dataclass(frozen=True)
class Ended:
    """What a process said, and what the store held when it ended."""

    stdout: str
    stderr: str
    stored: dict[str, dict[str, str]]

    @property
    def told(self) -> dict:
        return json.loads(self.stdout)


def start(function: str, folder: Path) -> "subprocess.Popen[str]":
    code = f"import sys, tests.generators.test_vllm_engine as t; t.{function}(sys.argv[1])"
    streams = {"stdout": (folder / f"{function}.out").open("w"), "stderr": (folder / f"{function}.err").open("w")}
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, **streams)


def ended(process: "subprocess.Popen[str]", function: str, folder: Path) -> Ended:
    process.wait()
    out, err = [(folder / f"{function}.{end}").read_text() for end in ("out", "err")]
    return Ended(out, err, replies(Store(f"{folder}/store")))


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """A process that was killed at its work, and the one after it."""
    folder = tmp_path_factory.mktemp("vllm")
    store = Store(str(folder / "store"))
    store.tag("models/tiny", store_model(store, write_tiny_model(folder / "tiny"), licence="MIT").id)
    process = start("first", folder)
    while process.poll() is None and max(map(len, replies(store).values()), default=0) < BATCH_CALLS:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    killed = ended(process, "first", folder)
    assert process.returncode == -signal.SIGKILL, killed.stderr
    process = start("second", folder)
    after = ended(process, "second", folder)
    assert process.returncode == 0, after.stderr
    return killed, after


@needs_vllm
def test_vllm_answers_and_more_candidates_leave_the_first_ones_as_they_are(engines):
    told = engines[0].told
    few, more = told["reasons"]
    assert (few["generate/too_long"], more["generate/too_long"]) == (2, 4)  # one for each candidate
    assert len(told["few"]) + sum(few.values()) == 14
    assert len(told["more"]) + sum(more.values()) == 28
    assert len(told["few"]) >= 4  # the tiny model ends some of its replies
    assert told["few"].items() < told["more"].items()
    assert told["steps"] > 0


@needs_vllm
def test_vllm_writes_in_the_form_that_was_asked_for(engines):
    for form, told in zip(FORMS, engines[0].told["formed"], strict=True):
        assert (len(told["rows"]), told["reasons"]) == (6, []), form
        assert {form.fault(text) for text in told["rows"]} == {None}


@needs_vllm
def test_after_a_kill_no_committed_call_is_made_again_whatever_the_order_of_the_rows(engines):
    killed, after = engines
    [before] = [calls for calls in killed.stored.values() if len(calls) >= BATCH_CALLS]
    [whole] = [calls for calls in after.stored.values() if len(calls) >= BATCH_CALLS]
    told = after.told
    assert BATCH_CALLS <= len(before) < told["calls"] == len(whole) == 600, told["paid"]
    assert before.items() <= whole.items()  # byte for byte
    assert told["paid"] == 600 - len(before)
    assert told["rows"].items() <= whole.items()
    assert len(told["rows"]) + sum(told["reasons"].values()) == 600


@needs_vllm
def test_vllm_says_nothing_while_all_is_well(engines):
    for process in engines:
        assert process.stderr == ""
        assert len(process.stdout.splitlines()) == 1


def test_a_damaged_model_is_an_error_before_vllm_is_imported(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(str(tmp_path / "store"))
    store.tag("models/tiny", store_model(store, write_tiny_model(tmp_path / "tiny"), licence="MIT").id)
    [weights] = [key for key in store.files.keys("objects") if store.files.size(key) > 100_000]
    path = tmp_path / "store" / weights
    path.chmod(0o600)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Damaged, match=weights.split("/")[-1][:12]):
        Vllm().open(find_model("models/tiny", store))
    path.unlink()
    with pytest.raises(NotFound, match=r"object .* is missing; .*making that again restores it"):
        Vllm().open(find_model("models/tiny", store))
    assert "vllm" not in sys.modules
