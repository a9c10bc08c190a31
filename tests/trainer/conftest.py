"""One thread for all of it, and a store with a small dataset of tokens."""

import resource
from contextlib import contextmanager

import pytest
import torch

from manifests.store import Store
from tests.trainer.small import sentences, tokens_in


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store with the dataset `texts`: 40 rows of tokens."""
    made = Store(str(tmp_path_factory.mktemp("store")))
    tokens_in(made, sentences(40))
    return made


@pytest.fixture
def no_space():
    """From a call of `fill` to the end of the block no file grows beyond 8 kB: not to the end of the test.

    What pytest itself writes then may be a file.
    """

    @contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, before[1]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
