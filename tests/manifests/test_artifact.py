import json
import os
import stat
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from manifests import artifact, canonical
from manifests.artifact import cache_folder, checkout, resolve, store_model
from manifests.check import fsck
from manifests.collect import gc
from manifests.errors import BadRecipe, BadSource, Damaged, NotFound
from manifests.manifest import FileRecord, SourceRecord, read_manifest
from manifests.objects import GRACE_S, object_key
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.manifests.stages import numbers

TEMPLATE = "{{ messages[0].content }}"
NAMES = ["config.json", "extra/modules.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path / "tiny")


def write_model(folder: Path, value: float = 1.0) -> Path:
    """A model without meaning, in the layout of Hugging Face."""
    (folder / "extra").mkdir(parents=True)
    save_file({"weight": np.full((4, 4), value, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "tiny"}')
    (folder / "tokenizer.json").write_text('{"model": {}}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    (folder / "extra/modules.json").write_text("[]")
    (folder / "README.md").write_text("stays behind")
    return folder


def object_path(store, manifest, name="model.safetensors"):
    [file] = [file for file in manifest.files if file.name == name]
    return store.files.root / object_key(file.digest, ".file")


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def hostile(manifest, **changes):
    """Return the JSON of a manifest whose first file was changed by somebody."""
    body = json.loads(manifest.body())
    body["artifact"]["files"][0] |= changes
    return msgspec.json.encode(body)


def test_a_model_comes_back_as_it_was_without_what_is_no_part_of_it(store, folder, tmp_path):
    manifest = store_model(store, folder, licence="MIT")
    out = checkout(store, store.manifest(manifest.id), tmp_path / "out")
    assert names_in(out) == NAMES
    assert all((out / name).read_bytes() == (folder / name).read_bytes() for name in NAMES)
    assert manifest.size == sum((folder / name).stat().st_size for name in NAMES)
    assert manifest.artifact.licence == "MIT"
    assert manifest.artifact.chat_template == canonical.sha256(TEMPLATE.encode())


def test_equal_folders_are_one_manifest_on_every_machine(store, folder, tmp_path):
    here = store_model(store, folder, licence="MIT")
    there = store_model(Store(str(tmp_path / "there")), write_model(tmp_path / "again"), licence="MIT")
    other = store_model(store, write_model(tmp_path / "other", 2.0), licence="MIT")
    assert here.id == there.id
    assert here.artifact.tokenizer == other.artifact.tokenizer
    assert here.artifact.weights != other.artifact.weights


def test_the_same_weights_under_another_configuration_are_another_model(store, folder):
    before = store_model(store, folder, licence="MIT")
    (folder / "config.json").write_text('{"model_type": "tiny", "rope_theta": 2}')
    assert store_model(store, folder, licence="MIT").artifact.weights != before.artifact.weights


def test_a_template_of_its_own_comes_before_that_of_the_configuration(store, folder):
    (folder / "chat_template.jinja").write_text("own")
    assert store_model(store, folder, licence="MIT").artifact.chat_template == canonical.sha256(b"own")


def test_a_tokenizer_alone_is_an_artifact_too(store, folder):
    (folder / "model.safetensors").unlink()
    made = store_model(store, folder, licence="MIT").artifact
    assert made.weights is None
    assert made.tokenizer is not None


def test_what_a_folder_was_made_from_is_kept(store, folder):
    source = SourceRecord("tiny-1.0.whl", "0" * 64, 12)
    assert store_model(store, folder, licence="MIT", source=source).sources == (source,)
    manifest = store_model(store, folder, licence="MIT", source="https://hub.example/tiny")
    assert manifest.sources == (SourceRecord("https://hub.example/tiny", manifest.content, manifest.size),)


def test_on_one_disk_a_checkout_is_links_that_nobody_may_write_to(store, folder):
    manifest = store_model(store, folder, licence="MIT")
    out = checkout(store, manifest)
    assert out.parent == cache_folder()
    weights = out / "model.safetensors"
    assert weights.samefile(object_path(store, manifest))
    assert not stat.S_IMODE(weights.stat().st_mode) & 0o222


def test_a_checkout_of_a_remote_store_is_a_copy(folder, tmp_path):
    store = Store("memory://models-of-test-artifact")
    manifest = store_model(store, folder, licence="MIT")
    out = checkout(store, manifest, tmp_path / "out")
    assert (out / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert store_model(store, folder, licence="MIT").id == manifest.id
    assert fsck(store, deep=True) == []


def test_a_model_is_read_once_in_a_process_and_repaired_in_the_next(store, folder, tmp_path):
    manifest = store_model(store, folder, licence="MIT")
    out = checkout(store, manifest, tmp_path / "out")
    (out / "config.json").unlink()
    assert names_in(checkout(store, manifest, out)) == NAMES
    (out / "config.json").unlink()
    (out / "config.json").write_text('{"model_type": "evil"}')
    artifact._verified.clear()  # as in a process that has not seen it yet
    checkout(store, manifest, out)
    assert (out / "config.json").read_text() == '{"model_type": "tiny"}'


def test_a_flipped_bit_is_never_handed_out(store, folder, tmp_path):
    manifest = store_model(store, folder, licence="MIT")
    flip(object_path(store, manifest))
    with pytest.raises(Damaged, match=r"has the digest .* its name says"):
        checkout(store, manifest, tmp_path / "out")
    assert "model.safetensors" not in names_in(tmp_path / "out")


def test_a_missing_file_is_named(store, folder, tmp_path):
    manifest = store_model(store, folder, licence="MIT")
    path = object_path(store, manifest)
    path.unlink()
    with pytest.raises(NotFound, match=rf"object objects/../{path.name} is missing"):
        checkout(store, manifest, tmp_path / "out")
    assert not [name for name in names_in(tmp_path / "out") if "model.safetensors" in name]


def test_a_checkout_into_a_folder_with_other_files_is_refused(store, folder, tmp_path):
    manifest = store_model(store, folder, licence="MIT")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/model-00002.safetensors").touch()
    with pytest.raises(BadSource, match=r"'model-00002.safetensors' is no file of this model"):
        checkout(store, manifest, tmp_path / "out")


def test_a_manifest_that_borrows_the_content_digest_of_another_gets_a_folder_of_its_own(store, folder, tmp_path):
    good = store_model(store, folder, licence="MIT")
    evil = store_model(store, write_model(tmp_path / "evil", 2.0), licence="MIT")
    evil = msgspec.structs.replace(evil, content=good.content)
    store.put_manifest(evil)
    assert checkout(store, good) != checkout(store, evil)
    [problem] = fsck(store, deep=True)
    assert "its content digest is not that of its files" in str(problem)


@pytest.mark.parametrize(
    "name", ["../up", "/etc/passwd", "a/../../up", "a\\b", "a\0b", "", ".", "a//b", "a/", ".git/config", "C:x", "~/x"]
)
def test_no_name_in_a_manifest_leads_out_of_its_folder(store, folder, name):
    manifest = store_model(store, folder, licence="MIT")
    with pytest.raises(Damaged, match="is no file of an artifact"):
        read_manifest(hostile(manifest, name=name), "0" * 64)


@given(st.text(st.sampled_from("a./\\~\0 A-_:"), max_size=12))
def test_every_name_that_is_let_through_stays_below(name):
    try:
        FileRecord(name, "0" * 64, 0)
    except ValueError:
        return
    assert os.path.normpath(Path("/out", name)) == f"/out/{name}"


@pytest.mark.parametrize("name", ["extra/modules.json", "extra", "zzz"])
def test_names_that_are_in_each_others_way_are_refused(store, folder, name):
    manifest = store_model(store, folder, licence="MIT")
    with pytest.raises(Damaged, match="are not sorted, or two of them"):
        read_manifest(hostile(manifest, name=name), "0" * 64)


def test_a_dataset_says_nothing_of_artifacts(store):
    manifest = run(Recipe("m", ()), numbers(0, 1), store=store, tag="web").manifest
    assert b"artifact" not in manifest.body()
    assert store.manifest("web").id == manifest.id
    assert manifest.files == ()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("model.safetensors", None, "its weights are pickles"),
        ("model.safetensors", b"\x80\x02pickled", "expected safetensors, found"),
        ("model.safetensors", b"", "expected safetensors, found"),
        ("config.json", None, "expected config.json beside model.safetensors"),
        ("config.json", b"{", "config.json: expected JSON"),
        ("config.json", b"[]", "expected a JSON object, found a list"),
        ("tokenizer.json", b"\xff", "tokenizer.json: expected JSON"),
        ("model.safetensors.index.json", b'{"weight_map": {"w": "model-2.safetensors"}}', "not there: model-2"),
        ("model.safetensors.index.json", b"{}", "expected a `weight_map`"),
        ("a b.json", b"{}", "cannot have this name"),
    ],
)
def test_a_folder_that_is_no_sound_model_is_refused(store, folder, name, data, message):
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02pickled")
    if data is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(data)
    with pytest.raises(BadSource, match=message):
        store_model(store, folder, licence="MIT")
    assert list(store.manifest_ids()) == []


def test_weights_that_were_cut_short_are_refused(store, folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(BadSource, match=r"model.safetensors: expected safetensors, found: .*cut short"):
        store_model(store, folder, licence="MIT")


def test_pickles_beside_safetensors_are_left_behind(store, folder):
    (folder / "training_args.bin").write_bytes(b"\x80\x02pickled")
    assert [file.name for file in store_model(store, folder, licence="MIT").files] == NAMES


def test_an_empty_and_a_missing_folder_are_no_models(store, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadSource, match="found nothing"):
        store_model(store, tmp_path / "empty", licence="MIT")
    with pytest.raises(BadSource, match="there is no such folder"):
        store_model(store, tmp_path / "none", licence="MIT")


def test_a_model_without_a_licence_is_refused(store, folder):
    with pytest.raises(BadRecipe, match="needs a licence"):
        store_model(store, folder, licence=" ")


def test_a_ref_stands_for_a_model_and_nothing_else(store, folder):
    manifest = store_model(store, folder, licence="MIT")
    store.tag("models/tiny", manifest.id)
    run(Recipe("m", ()), numbers(0, 1), store=store, tag="web")
    assert resolve(store, "models/tiny") == resolve(store, "models/tiny@1") == resolve(store, manifest.id) == manifest
    with pytest.raises(NotFound, match=r"no model 'models/none' \(there are: models/tiny\); .*koba models add none"):
        resolve(store, "models/none")
    with pytest.raises(NotFound, match="tiny has no version '2'"):
        resolve(store, "models/tiny@2")
    with pytest.raises(BadRecipe, match="web is a dataset of kind document"):
        resolve(store, "web")


def test_gc_keeps_the_files_of_a_model_that_has_a_name_and_no_others(store, folder, tmp_path):
    kept = store_model(store, folder, licence="MIT")
    store.tag("models/tiny", kept.id)
    other = store_model(store, write_model(tmp_path / "other", 2.0), licence="MIT")
    for path in store.files.root.rglob("*"):
        os.utime(path, (0, 0))
    garbage = gc(store, grace_s=GRACE_S, delete=True).garbage
    only = object_path(store, other).relative_to(store.files.root).as_posix()
    assert sorted(garbage) == sorted([only, f"manifests/{other.id}.json"])
    assert names_in(checkout(store, kept)) == NAMES


def test_fsck_finds_a_models_missing_short_and_flipped_files(store, folder):
    manifest = store_model(store, folder, licence="MIT")
    store.tag("models/tiny", manifest.id)
    assert fsck(store, deep=True) == []
    paths = [object_path(store, manifest, name) for name in NAMES[:3]]
    paths[0].unlink()
    paths[1].chmod(0o644)
    paths[1].write_bytes(b"[")
    flip(paths[2])
    shallow = {problem.key: problem for problem in fsck(store)}
    deep = {problem.key for problem in fsck(store, deep=True)}
    keys = [path.relative_to(store.files.root).as_posix() for path in paths]
    assert sorted(shallow) == sorted(keys[:2])
    assert sorted(deep) == sorted(keys)
    assert shallow[keys[0]].refs == ("models/tiny@1",)
    assert shallow[keys[1]].what == "has 1 bytes, expected 2"
