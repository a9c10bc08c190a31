"""One thread for all of it, and a store with a small dataset of tokens."""

import resource

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
    """A disk on which no file grows beyond 8 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, before[1]))

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
