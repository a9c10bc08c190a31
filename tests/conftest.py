"""What all tests share, for a noisy machine: hypothesis without deadlines or a database, threads that do not spin.

With `pytest -n 2 --dist loadgroup` each file is one worker's, and those marked as the group "machine" are all the same
one's, one after the other: they start a Ray head, vLLM or a browser.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from manifests.options import PATIENT

SLOW_IS_NO_FAULT = [HealthCheck.too_slow]

settings.register_profile(
    "koba",
    deadline=None,
    database=None,
    derandomize=True,  # what is found by chance must not stop somebody else's change
    max_examples=60,
    suppress_health_check=SLOW_IS_NO_FAULT,
)
settings.load_profile("koba")
os.environ.update(PATIENT)
if "PYTEST_XDIST_WORKER" in os.environ:  # two that compile a kernel for other types at once spoil numba's index
    kernels = Path(__file__).parents[1] / ".pytest_cache" / f"numba-{os.environ['PYTEST_XDIST_WORKER']}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernels))


WITH_RAY = pytest.StashKey[bool]()


def ray_is_up() -> bool:
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[WITH_RAY] = ray_is_up()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    """Refuse a test that starts Ray unmarked: two heads on one machine want the same port."""
    yield
    mark = item.get_closest_marker("xdist_group")
    if ray_is_up() and not item.stash[WITH_RAY] and (mark is None or mark.args != ("machine",)):
        pytest.fail(f"{item.nodeid} starts Ray; put pytestmark = pytest.mark.xdist_group('machine') into its file")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Keep each file together, and begin with what cannot be shared out."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group").args != ("machine",))
