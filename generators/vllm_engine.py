"""vLLM in this process: the only module that imports it.

One engine a process: a second one after the first was closed fails. A thread steps the engine and settles the futures,
so that requests of several units are worked on at once.
"""

import json
import os
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from generators.engine import FinishReason, Reply, Request
from generators.forms import Choice, Form, Regex
from generators.hush import Heard, Hush
from generators.weights import TOKENS, Model
from manifests.errors import BadRecipe, Incomplete, WorkerLost
from manifests.model_folder import CONFIG
from manifests.options import PATIENT

# One process, no binding to cores (of two it would leave one idle), and nothing fetched.
ON_CPU = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    **PATIENT,
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_CONFIGURE_LOGGING": "0",  # it would log to stdout
}
BATCHED_TOKENS = 8_192  # of prompts in one step


@dataclass(frozen=True, slots=True)
class Vllm:
    """vLLM on the GPUs or the CPU of this machine: "vllm", or "vllm?tensor_parallel=4&capacity=256"."""

    capacity: int = 64  # sequences at once
    dtype: str = "bfloat16"
    tensor_parallel: int = 1  # GPUs of this machine that hold a share of each matrix

    @property
    def gpus(self) -> int:
        """How many GPUs an engine takes where there are any."""
        return self.tensor_parallel

    def open(self, model: Model) -> "VllmEngine":
        """Load the model from its files. Raises NotFound, Damaged, and BadRecipe where vLLM cannot run it.

        The files are looked at before vLLM is imported, which alone takes ten seconds.
        """
        return VllmEngine(self, model)


@dataclass(slots=True)
class Meter:
    """How busy the engine was, by its steps."""

    steps: int = 0
    idle_steps: int = 0  # with room for more sequences while requests waited
    sequences: int = 0  # summed over the steps

    @property
    def idle_share(self) -> float:
        """Share of the steps that ran below capacity while requests waited."""
        return self.idle_steps / max(1, self.steps)


class VllmEngine:
    """A loaded model, stepped by a thread of its own."""

    def __init__(self, place: Vllm, model: Model) -> None:
        self.place, self.model, self.meter = place, model, Meter()
        folder = model.folder()
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENS))
        for name, value in ON_CPU.items():
            os.environ.setdefault(name, value)
        if "distutils.core" in sys.modules:  # setuptools, which vLLM imports, would refuse to stand beside it
            os.environ.setdefault("SETUPTOOLS_USE_DISTUTILS", "stdlib")
        self._heard = Heard("vllm") if os.environ["VLLM_CONFIGURE_LOGGING"] == "0" else None
        with Hush(self._heard):
            self._vllm = _load(place, model, str(folder))
        self._engine = self._vllm.engine
        self._scheduler = self._engine.engine_core.engine_core.scheduler
        self._queue: SimpleQueue[tuple[Request, list[int], Future[Reply]] | None] = SimpleQueue()
        self._flying: dict[str, tuple[Request, Future[Reply]]] = {}
        self._count = 0
        self._dead: str | None = None
        self._dying = Lock()  # nothing is queued once the thread has ended
        self._thread = Thread(target=self._run, name="vllm", daemon=True)
        self._thread.start()

    @property
    def capacity(self) -> int:
        """How many requests it works on at once."""
        return self.place.capacity

    def submit(self, request: Request) -> Future[Reply]:
        """Take a request; a prompt that fills the context is answered with "too_long" here."""
        future: Future[Reply] = Future()
        tokens: list[int] = self._tokenizer.encode(request.prompt, add_special_tokens=False).ids
        if request.max_context is not None and len(tokens) >= request.max_context:
            future.set_result(Reply("", "too_long", len(tokens), 0, candidate=request.candidate))
            return future
        with self._dying:
            dead = self._dead
            if dead is None:
                self._queue.put((request, tokens, future))
        if dead is not None:
            future.set_exception(WorkerLost(dead))
        return future

    def close(self) -> None:
        """Stop the thread; what was not answered fails."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._take():
                self._step()
        finally:  # whatever ends the thread must fail every future, or all wait for ever
            error = sys.exc_info()[1]
            if error and self._heard:
                self._heard.tell()
            self._fail(f"vLLM stopped: {f'{type(error).__name__}: {error}' if error else 'closed'}")

    def _take(self) -> bool:
        """Hand waiting requests to the engine; wait for one where nothing else is to be done. False: closed."""
        while True:
            try:
                item = self._queue.get(block=not self._flying)
            except Empty:
                return True
            if item is None:
                return False
            request, tokens, future = item
            self._count += 1
            name = str(self._count)
            try:
                self._engine.add_request(name, {"prompt_token_ids": tokens}, self._sampling(request))
            except ValueError as error:  # about this request alone
                future.set_exception(Incomplete(f"vLLM refuses a request: {error}"))
                continue
            self._flying[name] = (request, future)

    def _step(self) -> None:
        outputs = self._engine.step()
        running = len(self._scheduler.running) + sum(output.finished for output in outputs)
        waiting = len(self._scheduler.waiting) + self._queue.qsize()
        self.meter.steps += 1
        self.meter.sequences += running
        self.meter.idle_steps += running < self.capacity and waiting > 0
        for output in outputs:
            if output.finished:
                request, future = self._flying.pop(output.request_id)
                future.set_result(_reply(output, request))

    def _sampling(self, request: Request) -> Any:
        sampling = request.sampling
        return self._vllm.parameters(
            n=1,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k or 0,
            min_p=sampling.min_p or 0.0,
            repetition_penalty=sampling.repetition_penalty or 1.0,
            stop=list(sampling.stop) or None,
            seed=request.seed,
            logprobs=0,
            structured_outputs=self._constraint(sampling.form),
        )

    def _constraint(self, form: Form | None) -> Any:
        if form is None:
            return None
        if isinstance(form, Choice):
            return self._vllm.constraint(choice=list(form.of))
        if isinstance(form, Regex):
            return self._vllm.constraint(regex=form.pattern)
        return self._vllm.constraint(json=form.text)

    def _fail(self, why: str) -> None:
        with self._dying:
            self._dead = why
        for _, future in self._flying.values():
            future.set_exception(WorkerLost(why))
        self._flying.clear()
        while not self._queue.empty():
            item = self._queue.get()
            if item:
                item[2].set_exception(WorkerLost(why))


class _Loaded(NamedTuple):
    """vLLM's engine, and its classes of what a request is made of."""

    engine: Any
    parameters: Any
    constraint: Any


def _load(place: Vllm, model: Model, folder: str) -> _Loaded:
    """Load the model. Raises BadRecipe."""
    try:
        # It reads the environment while it is imported, and is no dependency of a test.
        from vllm import EngineArgs, LLMEngine, SamplingParams  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415
        from vllm.platforms import current_platform  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415
        from vllm.sampling_params import StructuredOutputsParams  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415
    except ImportError as error:
        raise BadRecipe(
            f"vLLM cannot be imported: {error}; install koba[cpu] or koba[gpu], or name a server: --engine http://..."
        ) from error
    settings = EngineArgs(
        model=folder,
        dtype=place.dtype,
        max_num_seqs=place.capacity,
        max_model_len=model.max_context,
        enforce_eager=True,
        tensor_parallel_size=place.tensor_parallel,
        distributed_executor_backend="uni" if place.tensor_parallel == 1 else "mp",
        generation_config="vllm",  # not the model's own defaults: every field is given
        **(_whole_prompts(model) if current_platform.is_cpu() else {}),
    )
    # vLLM 0.32 looks into all modules, and stumbles over the handle that this one of numba's has of its library.
    stumble = sys.modules.pop("llvmlite.binding.ffi", None)
    try:
        return _Loaded(LLMEngine.from_engine_args(settings), SamplingParams, StructuredOutputsParams)
    except (ValueError, RuntimeError, OSError, NotImplementedError) as error:
        raise BadRecipe(f"vLLM cannot run {model.name}: {_first_line(error)}; above is what it said") from error
    finally:
        if stumble:
            sys.modules["llvmlite.binding.ffi"] = stumble


def _whole_prompts(model: Model) -> dict[str, Any]:
    """Return the settings under which no prompt is read in pieces.

    After each piece vLLM sets the request's own generator back, which torch can do on a GPU only. The beginnings that
    prompts share are kept for models with attention alone: for a Mamba's states it asks for pieces.
    """
    batched = max(BATCHED_TOKENS, model.max_context or 0)
    config = json.loads((model.folder() / CONFIG).read_bytes())
    pure = not any(name.startswith("mamba") for name in config)
    return {"enable_chunked_prefill": False, "max_num_batched_tokens": batched, "enable_prefix_caching": pure}


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _reply(output: Any, request: Request) -> Reply:
    [made] = output.outputs
    logprob = float(made.cumulative_logprob) if made.cumulative_logprob is not None else None
    reason: FinishReason = "length" if made.finish_reason == "length" else "stop"
    return Reply(
        made.text,
        reason,
        len(output.prompt_token_ids),
        len(made.token_ids),
        logprob,
        request.candidate,
    )
