"""A store on top of another one, which previews run in."""

import pickle

import pytest

from manifests.errors import NotFound
from manifests.overlay import Overlay
from manifests.store import Store


@pytest.fixture
def below(tmp_path):
    return Store(str(tmp_path / "store"))


def test_what_is_below_is_found(below, tmp_path):
    digest = below.put(b"words", ".list")
    store = Overlay(below)
    assert store.get(digest, ".list") == b"words"
    store.fetch(digest, ".list", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"words"
    assert list(store.files.keys("objects")) == list(below.files.keys("objects"))


def test_what_is_written_is_found_and_never_gets_below(below):
    store = Overlay(below)
    digest = store.put(b"words", ".list")
    store.put_action("ab", {"rows": 1}, makes=())
    assert store.get(digest, ".list") == b"words"
    assert store.action("ab")["result"] == {"rows": 1}
    assert list(below.files.keys("")) == []
    with pytest.raises(NotFound):
        below.get(digest, ".list")


def test_a_version_on_top_follows_those_below(below):
    first, second = "1" * 64, "2" * 64
    below.tag("web", first)
    store = Overlay(below)
    assert store.tag("web", second).number == 2
    assert (store.head("web").manifest, below.head("web").manifest) == (second, first)


def test_what_is_below_is_never_made_young_or_removed(below):
    digest = below.put(b"words", ".list")
    key = f"objects/{digest[:2]}/{digest}.list"
    store = Overlay(below)
    age_s = below.files.age_s(key)
    store.files.touch(key, b"words")
    store.files.delete(key)
    assert below.files.age_s(key) >= age_s
    assert below.get(digest, ".list") == b"words"


def test_it_is_handed_to_no_other_process(below):
    with pytest.raises(TypeError, match="cannot be handed to another process"):
        pickle.dumps(Overlay(below))
