import pytest

from tests.dedup import golden

WRITE = "run `python -m tests.dedup.golden` and read what it changed"


@pytest.mark.parametrize("step", golden.STEPS, ids=golden.name)
def test_the_outcome_is_the_golden_one(step):
    stored = golden.read()
    assert stored["steps"][golden.name(step)]["description"] == golden.description(step), WRITE
    assert stored["steps"][golden.name(step)]["outcomes"] == golden.outcomes(step, stored), WRITE
