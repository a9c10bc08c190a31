import importlib
import inspect
import pkgutil
from collections import Counter

import pytest

import filters
from manifests.stage import Stage
from tests.filters import golden

WRITE = "run `python -m tests.filters.golden` and read what it changed"


def stage_classes() -> set[type[Stage]]:
    modules = [importlib.import_module(f"filters.{module.name}") for module in pkgutil.iter_modules(filters.__path__)]
    classes = [found for module in modules for _, found in inspect.getmembers(module, inspect.isclass)]
    return {found for found in classes if issubclass(found, Stage) and found.__module__.startswith("filters.")}


def test_every_stage_has_a_golden_output():
    assert {type(stage).__name__ for stage in golden.STAGES} == {found.__name__ for found in stage_classes()}


@pytest.mark.parametrize("stage", golden.STAGES, ids=lambda stage: type(stage).__name__)
def test_the_output_of_a_stage_changes_only_with_its_description(stage):
    known = golden.read()
    entry = known["stages"][type(stage).__name__]
    assert golden.description(stage) == entry["description"], f"the stage is described anew: {WRITE}"
    for name, text in known["texts"].items():
        found, expected = golden.outcome(stage, text), entry["outcomes"][name]
        assert found == pytest.approx(expected, abs=1e-3), f"{name!r}: raise `version`, then {WRITE}"


def test_every_reject_reason_belongs_to_one_module_and_to_one_rule_of_a_stage():
    modules: dict[str, set[str]] = {}
    for stage in golden.STAGES:
        reasons = [rule.reason for rule in stage.rules()]
        assert not [reason for reason, count in Counter(reasons).items() if count > 1]
        for reason in reasons:
            modules.setdefault(reason, set()).add(type(stage).__module__)
    assert not {reason: found for reason, found in modules.items() if len(found) > 1}


def test_every_measure_a_rule_names_is_recorded_for_every_text():
    for stage in golden.STAGES:
        named = {rule.measure for rule in stage.rules()}
        for text in golden.read()["texts"].values():
            assert named <= golden.outcome(stage, text).keys()
