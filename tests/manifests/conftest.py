from dataclasses import dataclass

import pytest

from manifests.manifest import Manifest
from manifests.run import run
from manifests.store import Store
from manifests.view import View
from tests.manifests import small


@dataclass(frozen=True)
class Small:
    """The small dataset, made once for all tests: read from its store, write nothing to it."""

    store: Store
    manifest: Manifest
    notes: small.Notes

    def ids(self) -> set[bytes]:
        return {row.id for row in View(self.store, self.manifest)}


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Small:
    folder = tmp_path_factory.mktemp("small")
    notes = small.Notes(small.write_notes(folder / "notes"))
    store = Store(str(folder / "store"))
    return Small(store, run(small.recipe(), notes, store=store, tag="small").manifest, notes)
