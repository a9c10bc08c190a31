"""vLLM under koba: how full eight shards of uneven length keep it, and what is lost against a bare `LLM.generate`.

Each side is a process of its own with the model loaded once; they take turns, by CPU time, with one thread for torch:
several spin while they wait for each other, and that would be counted. The model is that of the store of KOBA_STORE
where it has one, else it is added to a store that is gone afterwards. Four minutes of CPU.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from generators.compaction import read_calls
from generators.engine import Sampling
from generators.generate import Generate
from generators.hush import Hush
from generators.model_fetch import add_model
from generators.places import opened
from generators.together import Threads
from generators.translate import Translate
from generators.vllm_engine import Vllm
from generators.weights import Model, find_model
from manifests.run import run as make
from manifests.stage import Recipe
from manifests.store import Store
from tests.benchmarks.harness import Result
from tests.generators.tasks import Texts, document
from tests.manifests.stages import Source

ROOT = Path(__file__).parents[2]
MODEL = "models/smollm2"
SENTENCE = "The little factory by the river makes a new dataset every night, and nobody has ever seen its keeper. "
SHARDS = (1, 2, 3, 4, 6, 10, 14, 24)  # rows of each
PLACE = Vllm(capacity=16)
MAX_TOKENS = 16
ROUNDS = 2


@dataclass(frozen=True)
class Round:
    """What one side did in its turn."""

    tokens: int  # of the replies
    cpu_s: float
    idle_share: float = 0.0


def shards() -> list[tuple[str, ...]]:
    """Return texts of uneven length in shards of uneven length."""
    numbers = iter(range(sum(SHARDS)))
    return [tuple(f"{n}. {SENTENCE * (1 + n % 5)}" for _ in range(rows) for n in [next(numbers)]) for rows in SHARDS]


def sampling(number: int) -> Sampling:
    """Return how a round draws its replies: none of them is known from another round."""
    return Sampling(max_tokens=MAX_TOKENS, temperature=0.8, top_p=0.95, seed=number)


class Koba:
    """A run of koba over the shards, in a store of its own."""

    def __init__(self, model: Model) -> None:
        self.model, self.engine = model, opened(PLACE, model)

    def round(self, number: int) -> Round:
        """Run once."""
        stage = Generate(Translate("ja"), model=self.model, sampling=sampling(number), engine=PLACE)
        meter = self.engine.meter
        steps, idle = meter.steps, meter.idle_steps
        with tempfile.TemporaryDirectory() as folder:
            store, start = Store(folder), time.process_time()
            make(Recipe("bench", (stage,)), Source(tuple(map(Texts, shards()))), store=store, map=Threads())
            taken = time.process_time() - start
            tokens = sum(reply["tokens_out"] for reply in _replies(store))
        return Round(tokens, taken, (meter.idle_steps - idle) / (meter.steps - steps))


class Bare:
    """The same prompts in one list, given to vLLM alone."""

    def __init__(self, model: Model) -> None:
        os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
        os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
        with Hush():
            from vllm import LLM, SamplingParams

            self.llm = LLM(
                model=str(model.folder()),
                dtype=PLACE.dtype,
                max_num_seqs=PLACE.capacity,
                max_model_len=model.max_context,
                enforce_eager=True,
                distributed_executor_backend="uni",
                generation_config="vllm",
                enable_chunked_prefill=False,
                max_num_batched_tokens=8_192,
            )
        self.parameters = SamplingParams
        rows = [document(text) for shard in shards() for text in shard]
        self.prompts = [model.render(Translate("ja").prompt(row))[0] for row in rows]

    def round(self, number: int) -> Round:
        """Generate once."""
        same = asdict(sampling(number))
        drawn = [
            self.parameters(
                max_tokens=MAX_TOKENS, temperature=same["temperature"], top_p=same["top_p"], seed=n, logprobs=0
            )
            for n in range(len(self.prompts))
        ]
        start = time.process_time()
        outputs = self.llm.generate(self.prompts, drawn, use_tqdm=False)
        return Round(sum(len(one.outputs[0].token_ids) for one in outputs), time.process_time() - start)


def serve(side: str, store: str) -> None:
    """Load the model; for each line of stdin do a round and print what it took."""
    made = {"koba": Koba, "bare": Bare}[side](find_model(MODEL, Store(store)))
    for line in sys.stdin:
        print(json.dumps(asdict(made.round(int(line)))), flush=True)


def run() -> list[Result]:
    """Return the idle share of the engine and the tokens that koba gets out of it beside vLLM alone."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(os.environ.get("KOBA_STORE", folder))
        if store.head(MODEL) is None:
            store = Store(folder)
            add_model(store, MODEL.rpartition("/")[2], downloads=ROOT / "downloads")
        sides = [_started(side, store.url) for side in ("koba", "bare")]
        rounds = [[_turn(side, number) for side in sides] for number in range(ROUNDS + 1)][
            1:
        ]  # the first is to warm up
        for side in sides:
            side.communicate()
    koba, bare = ([one[place] for one in rounds] for place in (0, 1))
    ours, theirs = (statistics.median(one.tokens / one.cpu_s for one in side) for side in (koba, bare))
    idle = statistics.median(one.idle_share for one in koba)
    return [
        Result(f"engine idle, {len(SHARDS)} uneven shards", "of steps", idle, target="< 0.05"),
        Result("vLLM, SmolLM2-135M", "tokens/s", ours, theirs, "LLM.generate", ">= 0.95x"),
    ]


def _started(side: str, store: str) -> "subprocess.Popen[str]":
    code = f"from tests.benchmarks.bench_engine import serve; serve({side!r}, {store!r})"
    pipe = subprocess.PIPE
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=pipe, stdout=pipe, text=True, env=environment)


def _turn(side: "subprocess.Popen[str]", number: int) -> Round:
    assert side.stdin is not None
    assert side.stdout is not None
    side.stdin.write(f"{number}\n")
    side.stdin.flush()
    line = next((line for line in side.stdout if line.startswith("{")), None)
    assert line is not None, "a side of the benchmark ended; its stderr says why"
    return Round(**json.loads(line))


def _replies(store: Store) -> list[dict]:
    return [reply for key in store.files.keys("calls") for reply in read_calls(store, key)[0].to_pylist()]
