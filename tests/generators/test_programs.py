"""What holds for every program of generators/: help, preview, refusals in words, prompts that are identity."""

import importlib
import inspect
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from generators.generate import Generate
from manifests import canonical
from manifests.errors import BadRecipe
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.generators.boxed import missing
from tests.generators.tasks import Texts
from tests.manifests.stages import Source

FOLDER = Path(__file__).parents[2] / "generators"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef recipe(" in path.read_text())
OF_CONVERSATIONS = {"preferences", "respond"}  # which refuse documents
ENGLISH = (
    "Bees dance to tell their sisters where flowers are. Karl von Frisch decoded the dance in 1927, in Munich. A hive "
    "holds 20,000 bees or more, and each of them carries 40 milligrams of nectar. "
) * 2
JAPANESE = (
    "蜜蜂は踊りによって花の場所を仲間に伝える。1927年にミュンヘンでカール・フォン・フリッシュがこの踊りを解読した。"
    "一つの巣には2万匹以上の蜂が住み、それぞれが40ミリグラムの蜜を運ぶ。"
) * 3


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("programs") / "s"))
    run(Recipe("import", ()), Source((Texts((ENGLISH,)), Texts((JAPANESE,), "ja"))), store=store, tag="bees")
    return store.url


def program(name):
    module = importlib.import_module(f"generators.{name}")
    return module, set(inspect.signature(module.recipe).parameters)


def preview(url, name):
    """Preview two rows, or skip where the program runs what models write and this machine cannot isolate it."""
    if missing() and any(hasattr(step, "sandbox") for step in program(name)[0].recipe().steps):
        pytest.skip(missing())
    return invoke(url, name, "--preview", "2")


def invoke(url, name, *arguments):
    module, options = program(name)
    echo = [f"--{option}=echo" for option in ("model", "engine") if option in options]
    return CliRunner().invoke(module.main, ["bees", *echo, *arguments, "--store", url])


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_a_script_with_help_for_every_option(name):
    file = FOLDER / f"{name}.py"
    assert file.read_text().startswith("#!/usr/bin/env python\n")
    assert os.access(file, os.X_OK)
    module, options = program(name)
    told = CliRunner().invoke(module.main, ["--help"])
    assert told.exit_code == 0
    assert re.search(r"\n\n  [A-Z][^\n]+", told.output)
    assert f"koba run {name} " in told.output
    for option in options:
        assert re.search(rf"--{option.replace('_', '-')}\b[^\n]*(?:\n {{20,}}[^\n]*)*[A-Za-z]{{3}}", told.output), (
            option
        )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_preview_writes_nothing(url, name):
    before = sorted(Store(url).files.keys(""))
    told = preview(url, name)
    assert told.exit_code == 0, told.output
    assert sorted(Store(url).files.keys("")) == before


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_program_says_to_a_model_stands_in_its_fingerprint(url, name):
    """A prompt that no field holds could be edited without changing any id."""
    module, _ = program(name)
    steps = [step for step in module.recipe().steps if isinstance(step, Generate)]
    fields = " ".join(_texts(json.loads(canonical.encode([step.task for step in steps]))))
    held = f"{' '.join(fields.split())}{ENGLISH}{JAPANESE}"
    shown = preview(url, name).output
    prompts = re.findall(r"^--- prompt\n(.*?)^--- reply", shown, re.MULTILINE | re.DOTALL)
    assert (
        prompts or not steps or name.startswith("code_") or name in OF_CONVERSATIONS
    )  # the former ask about code alone
    for prompt in prompts:
        ours = re.sub(r"<\|\w+\|>|\s+", " ", prompt)
        pieces = [ours[start : start + 6] for start in range(0, len(ours) - 6, 6)]
        strange = [piece for piece in pieces if piece not in held]
        assert len(strange) <= 0.3 * len(pieces), strange


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_cannot_be_asked_for_is_refused_in_words(url, name):
    _, options = program(name)
    wrong = [["--no-such-option"], ["--store"]]
    wrong += [["--model", "models/none", "--engine", "vllm"]] if "model" in options else []
    wrong += [["--languages", "xx"]] if "languages" in options else []
    for arguments in wrong:
        told = invoke(url, name, *arguments)
        assert told.exit_code == 2 or isinstance(told.exception, BadRecipe | SystemExit), (arguments, told.output)
        assert "Traceback" not in told.output
        assert told.stdout == ""
