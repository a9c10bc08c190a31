"""What all tests share, for a noisy machine: hypothesis without deadlines or a database, threads that do not spin.

`pytest -n 2` gives each file to one of two processes; those of MACHINE go to the same one, one after the other.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from manifests.options import PATIENT

MACHINE = {  # they start a Ray head, of which two want the same port, or vLLM, which wants all cores
    "tests/dedup/test_on_a_cluster.py",
    "tests/generators/test_vllm_engine.py",
    "tests/generators/test_workers.py",
    "tests/manifests/test_cluster.py",
    "tests/test_jobs.py",
    "tests/trainer/test_distributed.py",
    "tests/trainer/test_export_vllm.py",
}
WITH_RAY = pytest.StashKey[bool]()

settings.register_profile(
    "koba",
    deadline=None,
    database=None,
    derandomize=True,  # what is found by chance must not stop somebody else's change
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("koba")
os.environ.update(PATIENT)
if "PYTEST_XDIST_WORKER" in os.environ:  # two that compile a kernel for other types at once spoil numba's index
    kernels = Path(__file__).parents[1] / ".pytest_cache" / f"numba-{os.environ['PYTEST_XDIST_WORKER']}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernels))


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep each file together, and the files of MACHINE: pytest 9.2 has no way to name groups for xdist."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "machine" if file_of(nodeid) in MACHINE else file_of(nodeid)

    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(config, items):
    """Begin with what cannot be shared out."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: file_of(item.nodeid) not in MACHINE)


def ray_is_up() -> bool:
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[WITH_RAY] = ray_is_up()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    """Refuse a test that starts Ray unannounced."""
    yield
    if ray_is_up() and not item.stash[WITH_RAY] and file_of(item.nodeid) not in MACHINE:
        pytest.fail(f"{item.nodeid} starts Ray; name its file in MACHINE of tests/conftest.py")
