import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import fsspec
import msgspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from manifests.errors import Ambiguous, BadRecipe, Conflict, Damaged, KobaError, NotFound, StoreFailed
from manifests.manifest import Entry, Manifest
from manifests.records import seal
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import GRACE_S, Store, object_key
from manifests.view import View
from tests.manifests.stages import Length, SameLast, numbers

ROOT = Path(__file__).parents[2]
EMPTY = Manifest(kind="document", schema="0" * 64, entries=(), index=(), content="0" * 64, rows=0)


@pytest.fixture(scope="session")
def s3():
    server = pytest.importorskip("moto.server", reason="moto, which plays S3, is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    playing = server.ThreadedMotoServer(port=0)
    playing.start()
    host, port = playing.get_host_and_port()
    options = {"key": "x", "secret": "x", "client_kwargs": {"endpoint_url": f"http://{host}:{port}"}}
    fsspec.filesystem("s3", **options).mkdir("bucket")
    yield options
    playing.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def open_store(request, tmp_path):
    """Return a function that opens one and the same store anew."""
    if request.param == "folder":
        return lambda: Store(str(tmp_path / "store"))
    name = uuid4().hex
    if request.param == "memory":
        return lambda: Store(f"memory://{name}")
    options = request.getfixturevalue("s3")
    return lambda: Store(f"s3://bucket/{name}", **options)


@pytest.fixture
def store(open_store):
    return open_store()


@pytest.fixture
def local(tmp_path):
    return Store(str(tmp_path / "store"))


def version(number):
    """Return a manifest that differs from others by its number."""
    return msgspec.structs.replace(EMPTY, fingerprint=str(number))


def put(store, number=0, tag=None):
    made = store.put_manifest(version(number))
    if tag:
        store.tag(tag, made)
    return made


# On every kind of place


def test_an_object_is_got_by_the_digest_of_its_bytes(store, open_store):
    digest = store.put(b"some bytes")
    assert digest == store.put(b"some bytes")
    assert open_store().get(digest) == b"some bytes"
    assert list(store.files.keys("objects")) == [object_key(digest)]
    with pytest.raises(NotFound, match="koba fsck"):
        store.get("0" * 64)


def test_flipped_bits_in_objects_and_manifests_are_found_when_they_are_read(store):
    digest, made = store.put(b"some bytes"), put(store, tag="d")
    store.files.overwrite(object_key(digest), b"some bytez")
    with pytest.raises(Damaged, match="Restore it from a copy"):
        store.get(digest)
    key = f"manifests/{made}.json"
    store.files.overwrite(key, store.files.read(key).replace(b'"rows":0', b'"rows":1'))
    with pytest.raises(Damaged, match="do not hash to its name"):
        store.manifest("d")


def test_a_damaged_manifest_is_written_anew_when_it_is_made_again(store):
    made = put(store, tag="d")
    store.files.overwrite(f"manifests/{made}.json", b"{}")
    assert put(store) == made
    assert store.manifest("d") == version(0)


def test_names_have_a_history_of_versions(store, open_store):
    ids = [put(store, number, "web/sample") for number in range(3)]
    assert [(ref.number, ref.manifest) for ref in open_store().history("web/sample")] == list(enumerate(ids, 1))
    assert store.tag("web/sample", ids[-1]).number == 3  # the same again makes no new version
    assert store.manifest("web/sample@2") == version(1)
    assert store.resolve("web/sample") == ids[-1]
    assert [str(ref) for ref in store.refs("web")] == [f"web/sample@{number}" for number in (1, 2, 3)]
    assert store.head("web") is None


@pytest.mark.parametrize("open_store", ["folder", "s3"], indirect=True)  # fsspec's memory is not made for threads
def test_writers_that_tag_one_name_at_once_all_get_a_version(open_store):
    ids = [put(open_store(), number) for number in range(6)]
    threads = [threading.Thread(target=open_store().tag, args=("d", one)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = open_store().history("d")
    assert [ref.number for ref in history] == [1, 2, 3, 4, 5, 6]
    assert {ref.manifest for ref in history} == set(ids)


def test_an_action_is_believed_only_while_what_it_made_is_there(store):
    digest, key = store.put(b"table"), "ab" * 32
    store.put_action(key, {"rows": 3}, makes=[digest])
    assert store.action(key)["result"] == {"rows": 3}
    assert store.action("cd" * 32) is None
    store.files.delete(object_key(digest))
    assert store.action(key) is None


def test_an_action_that_was_changed_or_moved_is_not_believed(store):
    key, other = "ab" * 32, "ac" * 32
    store.put_action(key, {"rows": 3}, makes=[])
    data = store.files.read(f"actions/ab/{key}.json")
    store.files.overwrite(f"actions/ac/{other}.json", data)
    assert store.action(other) is None
    store.files.overwrite(f"actions/ab/{key}.json", data.replace(b"3", b"4", 1))
    assert store.action(key) is None


def test_records_of_runs_come_back_in_order_and_changed_ones_are_found(store):
    for number in (2, 1):
        store.put_run(f"2026010{number}-x", {"number": number, "seconds": 0.5, "host": "ü"})
    assert list(store.runs()) == [{"number": number, "seconds": 0.5, "host": "ü"} for number in (1, 2)]
    key = "runs/20260101-x.json"
    store.files.overwrite(key, store.files.read(key).replace(b"0.5", b"0.6"))
    with pytest.raises(Damaged, match="was changed"):
        list(store.runs())


def test_a_run_gives_the_same_version_on_every_kind_of_place(store):
    made = run(Recipe("r", (Length(20), SameLast())), numbers(0, 10, 20), store=store, tag="r")
    again = run(Recipe("r", (Length(20), SameLast())), numbers(0, 10, 20), store=store, tag="r")
    assert made.manifest.id == run_here().id
    assert (again.made, again.ref) == (0, made.ref)
    assert len(list(View(store, store.manifest("r")))) == made.manifest.rows


def run_here():
    store = Store(f"memory://{uuid4().hex}")
    return run(Recipe("r", (Length(20), SameLast())), numbers(0, 10, 20), store=store).manifest


# Names and ids


def test_an_id_can_be_shortened_as_long_as_it_is_clear(local):
    made = put(local)
    assert local.resolve(made) == local.resolve(made[:4]) == made
    with pytest.raises(NotFound, match="too short"):
        local.resolve(made[:3])
    for last in "01":
        local.files.create(f"manifests/{made[:5]}{last * 59}.json", b"{}")
    assert local.resolve(made[:8]) == made
    with pytest.raises(Ambiguous, match="give more digits"):
        local.resolve(made[:5])


@pytest.mark.parametrize("name", ["nothing", "d@2", "d@x", "d@0", "0123456789", "0" * 64, "../d", "", "d@1/../1"])
def test_what_is_not_there_is_an_error_that_says_what_is(local, name):
    put(local, tag="d")
    with pytest.raises(NotFound):
        local.manifest(name)


def test_an_id_is_never_taken_for_a_name(local):
    made = put(local)
    local.files.create(f"refs/{made}/1.json", seal({"manifest": put(local, 1)}))
    assert local.manifest(made) == version(0)


@pytest.mark.parametrize(
    "name", ["", "Web", "web sample", "../web", "web/../../x", "/web", "web/", ".web", "a//b", "ü"]
)
def test_a_name_that_could_leave_the_store_is_refused(local, name):
    with pytest.raises(BadRecipe, match="lower-case"):
        local.tag(name, put(local))


# Hostile stores


OUTSIDE = ["../../outside", "/etc/passwd", "0" * 63, "0" * 65, "0" * 60 + "/../", "A" * 64, "0" * 64 + "\n", ""]


@pytest.mark.parametrize("digest", OUTSIDE)
def test_a_digest_that_is_none_never_becomes_a_path(local, digest):
    with pytest.raises(Damaged):
        object_key(digest)
    with pytest.raises(Damaged):
        local.get(digest)


@pytest.mark.parametrize("target", [*OUTSIDE, None, 5, ["0" * 64]])
def test_a_ref_that_points_to_no_id_is_damaged(local, target):
    local.files.create("refs/d/1.json", seal({"manifest": target}))
    with pytest.raises(Damaged, match="no manifest id"):
        local.manifest("d")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"5", b'"x"', b"{}", b'{"digest": 5}', b"\xff", b"[" * 100_000])
def test_a_ref_that_is_no_record_is_damaged(local, data):
    local.files.create("refs/d/1.json", data)
    with pytest.raises(Damaged, match=r"refs/d/1\.json"):
        local.manifest("d")


STRANGE = ["refs/d/x.json", "refs/d/01.json", "refs/d/-1.json", "refs/1.json", "refs/D/1.json", "refs/d/1.txt"]


@pytest.mark.parametrize("key", STRANGE)
def test_a_file_among_the_refs_that_is_none_is_named(local, key):
    local.files.create(key, seal({"manifest": "0" * 64}))
    with pytest.raises(Damaged, match="move it elsewhere"):
        local.refs()


@pytest.mark.parametrize(
    "body",
    [
        {"entries": [{"shard": "../../outside", "content": "0" * 64, "rows": 0, "size": 0, "chars": 0}]},
        {"parents": ["../../../etc/passwd"]},
        {"ledger": {"values": ["/etc/passwd"], "decisions": []}},
        {"index": [{"object": "x", "rows": 0}]},
        {"format": 99},
        {"rows": "many"},
        {"more": 1},
    ],
)
def test_a_hostile_manifest_is_refused_when_it_is_read(local, body):
    from manifests import canonical

    data = canonical.encode(msgspec.to_builtins(EMPTY) | body)
    digest = canonical.sha256(data)
    local.files.create(f"manifests/{digest}.json", data)
    with pytest.raises(Damaged):
        local.manifest(digest)


def test_a_manifest_that_names_what_is_not_there_is_an_error_when_its_rows_are_read(local):
    entry = Entry(shard="0" * 64, content="0" * 64, rows=1, size=1, chars=1)
    made = local.put_manifest(msgspec.structs.replace(EMPTY, entries=(entry,), rows=1))
    with pytest.raises(NotFound):
        list(View(local, local.manifest(made)))


@pytest.mark.parametrize("name", ["x", "0" * 31, "0" * 33, "G" * 32])
def test_a_strange_file_among_the_takedowns_is_named(local, name):
    local.files.create(f"forgotten/{name}.json", b"{}")
    with pytest.raises(Damaged, match="names no row id"):
        local.forgotten()


# Places that fail


class Careless(MemoryFileSystem):
    """A file system that overwrites where it was asked to create."""

    protocol = "careless"
    store: dict = {}  # noqa: RUF012 - as its base class has it
    pseudo_dirs = [""]  # noqa: RUF012

    def pipe_file(self, path, value, **_options):
        super().pipe_file(path, value)


class Full(MemoryFileSystem):
    """A file system that cannot be written."""

    protocol = "full"
    store: dict = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    def pipe_file(self, *_arguments, **_options):
        raise OSError(28, "No space left on device")


for _system in (Careless, Full):
    fsspec.register_implementation(_system.protocol, _system, clobber=True)


def test_a_place_that_ignores_put_if_absent_is_found_out_before_anything_is_written():
    store = Store("careless://x")
    with pytest.raises(StoreFailed, match="ignores put-if-absent"):
        store.put(b"bytes")
    assert list(store.files.keys("")) == []


def test_a_remote_place_that_cannot_be_written_is_one_clear_error():
    store = Store("full://x")
    for write in (lambda: store.put(b"bytes"), lambda: store.put_run("r", {}), lambda: store.tag("d", "0" * 64)):
        with pytest.raises(StoreFailed, match=r"cannot write .*No space left"):
            write()


def test_a_full_disk_is_one_clear_error_and_leaves_no_half_of_an_object(tmp_path):
    code = (
        "import resource, signal, sys; from manifests.store import Store; from manifests.errors import StoreFailed;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = Store(sys.argv[1]); store.put(b'x' * 900)\n"
        "try: store.put(b'y' * 5000)\n"
        "except StoreFailed as error: print(error); sys.exit(7)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "store")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 7, done.stderr
    assert "free some space and run the same command again: nothing is lost" in done.stdout
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in files] == [900]


@pytest.mark.parametrize("blocked", ["store", "store/objects"])
def test_a_file_where_a_folder_should_be_is_one_clear_error(tmp_path, blocked):
    path = tmp_path / blocked
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    with pytest.raises(StoreFailed, match="cannot write"):
        Store(str(tmp_path / "store")).put(b"bytes")
    assert path.read_text() == "in the way"


def test_a_name_that_others_keep_moving_is_a_conflict_in_the_end(local):
    made, others = put(local), [put(local, number) for number in range(1, 9)]
    create = local.files.create

    def beaten(key, data):
        if key.startswith("refs/") and others:
            create(key, seal({"manifest": others.pop()}))
        return create(key, data)

    local.files.create = beaten
    with pytest.raises(Conflict, match="try again later"):
        local.tag("d", made, retries=5)
    others.clear()
    assert local.tag("d", made).number == 6


def test_processes_that_tag_one_name_at_once_all_get_a_version(tmp_path):
    store = Store(str(tmp_path / "store"))
    ids = [put(store, number) for number in range(4)]
    code = (
        "import sys, time; from manifests.store import Store; store = Store(sys.argv[1])\n"
        "while time.time() < float(sys.argv[3]): pass\n"
        "store.tag('d', sys.argv[2])"
    )
    start = str(time.time() + 1.5)
    arguments = [[sys.executable, "-c", code, store.url, one, start] for one in ids]
    processes = [subprocess.Popen(one, cwd=ROOT) for one in arguments]
    assert [process.wait() for process in processes] == [0] * 4
    assert {ref.manifest for ref in store.history("d")} == set(ids)
    assert len(store.history("d")) == 4


def test_a_reader_never_sees_half_of_a_file(local):
    data = [os.urandom(200_000), os.urandom(200_000)]
    local.files.overwrite("runs/x.json", data[0])
    stop, torn = threading.Event(), []

    def read():
        while not stop.is_set():
            if local.files.read("runs/x.json") not in data:
                torn.append(1)

    thread = threading.Thread(target=read)
    thread.start()
    for turn in range(30):
        local.files.overwrite("runs/x.json", data[turn % 2])
    stop.set()
    thread.join()
    assert torn == []


def test_what_is_put_again_is_young_again(local):
    digest, made = local.put(b"bytes"), put(local)
    keys = [object_key(digest), f"manifests/{made}.json"]
    then = time.time() - 2 * GRACE_S
    for key in keys:
        os.utime(local.files.root / key, (then, then))
    local.put(b"bytes")
    put(local)
    assert all(local.files.age_s(key) < GRACE_S / 4 for key in keys)


def test_a_store_can_be_moved_whole(tmp_path):
    store = Store(str(tmp_path / "store"))
    run(Recipe("r", (Length(20), SameLast())), numbers(0, 10, 20), store=store, tag="r")
    rows = list(View(store, store.manifest("r")))
    Path(store.url).rename(tmp_path / "moved")
    moved = Store(str(tmp_path / "moved"))
    assert list(View(moved, moved.manifest("r"))) == rows
    assert run(Recipe("r", (Length(20), SameLast())), numbers(0, 10, 20), store=moved, tag="r").made == 0


def test_whatever_bytes_a_store_holds_reading_raises_only_our_errors(local):
    made = run(Recipe("r", (Length(20),)), numbers(0, 10), store=local, tag="r").manifest
    for key in list(local.files.keys("")):
        whole = local.files.read(key)
        for data in (b"", whole[: len(whole) // 2], whole[::-1], b"\x00" * len(whole)):
            local.files.overwrite(key, data)
            with suppress(KobaError):
                assert list(View(Store(local.url), Store(local.url).manifest("r")))
        local.files.overwrite(key, whole)
    assert local.manifest("r").id == made.id
