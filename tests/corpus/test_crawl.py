import gzip
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from corpus.cc_snapshot import Snapshot
from corpus.crawl import WarcFiles
from corpus.warc_pages import verify_origin
from corpus.warc_writer import Writer
from manifests.errors import BadSource
from manifests.remote import open_location
from manifests.rows import Page
from manifests.stage import Rejected
from manifests.store import Store
from tests.corpus.web_server import Shelf, serving

NAME = "crawl-data/CC-MAIN-2024-10/segments/1/warc/part-{}.warc.gz"
LIST = "crawl-data/CC-MAIN-2024-10/warc.paths.gz"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A snapshot of four files of two pages each."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as made:
        for number in range(4):
            path = tmp_path / f"{number}.warc.gz"
            with path.open("wb") as stream:
                writer = Writer(stream, file=path.name, date="2024-03-01T00:00:00Z")
                for page in ("a", "b"):
                    writer.write(f"https://{number}.example/{page}", b"<p>Hello</p>", date="2024-02-29T00:00:00Z")
            made.files[NAME.format(number)] = path.read_bytes()
        made.files[LIST] = gzip.compress("\n".join(made.files).encode())
        monkeypatch.setenv("KOBA_COMMON_CRAWL", made.url + "/")
        yield made


def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def urls(source: WarcFiles, in_store: Store) -> list[str | None]:
    return [row.url for unit in source.units(in_store) for row in unit.rows() if isinstance(row, Page)]


def test_a_snapshot_is_read_by_its_name(shelf: Shelf, tmp_path: Path) -> None:
    found = urls(WarcFiles.find(["CC-MAIN-2024-10"]), store(tmp_path))
    assert found == [f"https://{number}.example/{page}" for number in range(4) for page in "ab"]


@pytest.mark.parametrize(
    ("text", "files"), [("/warc[1:3]", [1, 2]), ("[:1]", [0]), ("/warc[3:]", [3]), ("/warc", [0, 1, 2, 3])]
)
def test_a_range_takes_files_in_the_order_of_the_published_list(shelf: Shelf, text: str, files: list[int]) -> None:
    snapshot = Snapshot.parse(f"CC-MAIN-2024-10{text}")
    assert snapshot is not None
    assert snapshot.listing().names == tuple(NAME.format(number) for number in files)


def test_files_of_a_snapshot_are_not_read_to_be_named(shelf: Shelf, tmp_path: Path) -> None:
    source = WarcFiles.find(["CC-MAIN-2024-10/warc[0:2]"])
    units = source.units(store(tmp_path))
    assert [unit.name for unit in units] == [NAME.format(0), NAME.format(1)]
    assert sorted(shelf.asked) == [(NAME.format(0), "bytes=0-0"), (NAME.format(1), "bytes=0-0"), (LIST, "")]
    assert [record.file for record in source.records()] == [LIST]
    assert source.locations()[NAME.format(1)] == f"{shelf.url}/{NAME.format(1)}"


def test_only_the_file_that_changed_is_other_work(shelf: Shelf, tmp_path: Path) -> None:
    keys = [
        [unit.key for unit in WarcFiles.find(["CC-MAIN-2024-10"]).units(store(tmp_path / name))] for name in ("x", "y")
    ]
    assert keys[0] == keys[1]
    shelf.files[NAME.format(2)] = shelf.files[NAME.format(1)]
    changed = [unit.key for unit in WarcFiles.find(["CC-MAIN-2024-10"]).units(store(tmp_path / "x"))]
    assert [old == new for old, new in zip(keys[0], changed, strict=True)] == [True, True, False, True]


def test_a_page_of_a_snapshot_is_found_again_by_its_origin(shelf: Shelf, tmp_path: Path) -> None:
    source = WarcFiles.find(["CC-MAIN-2024-10/warc[1:2]"])
    (unit,) = source.units(store(tmp_path))
    page = next(row for row in unit.rows() if isinstance(row, Page))
    assert page.origin is not None
    with open_location(source.locations()[page.origin.file]) as stream:
        assert verify_origin(stream, page.origin) == b"<p>Hello</p>"


def test_a_file_that_breaks_off_is_read_on_without_losing_or_doubling_a_page(shelf: Shelf, tmp_path: Path) -> None:
    (unit,) = WarcFiles.find(["CC-MAIN-2024-10[0:1]"]).units(store(tmp_path))
    shelf.faults = ["cut 700", "503", "ok"]
    rows = list(unit.rows())
    assert not any(isinstance(row, Rejected) for row in rows)
    assert len({row.id for row in rows if isinstance(row, Page)}) == 2


def test_a_file_that_was_replaced_since_it_was_named_is_not_read(shelf: Shelf, tmp_path: Path) -> None:
    (unit,) = WarcFiles.find(["CC-MAIN-2024-10[0:1]"]).units(store(tmp_path))
    shelf.files[unit.name] = shelf.files[NAME.format(1)]
    with pytest.raises(BadSource, match="changed while it was read"):
        list(unit.rows())


def test_an_address_is_hashed_once_and_then_known_by_its_etag(shelf: Shelf, tmp_path: Path) -> None:
    address = f"{shelf.url}/{NAME.format(0)}"
    first = WarcFiles.find([address])
    first.units(store(tmp_path))
    shelf.asked.clear()
    again = WarcFiles.find([address])
    again.units(store(tmp_path))
    assert [asked for _, asked in shelf.asked] == ["bytes=0-0"]
    assert again.records() == first.records()


def test_a_file_and_its_copy_on_the_web_are_the_same_work(shelf: Shelf, tmp_path: Path) -> None:
    path = tmp_path / NAME.format(0)
    path.parent.mkdir(parents=True)
    path.write_bytes(shelf.files[NAME.format(0)])
    (here,) = WarcFiles.find([str(path)]).units(store(tmp_path))
    (there,) = WarcFiles.find([f"{shelf.url}/{NAME.format(0)}"]).units(store(tmp_path))
    assert here.key == there.key


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("CC-MAIN-2024-99", "no such snapshot with warc files"),
        ("CC-MAIN-2024-10/wet", "made of warc files"),
        ("CC-MAIN-2024-10/wat[0:1]", "expected a snapshot like"),
        ("CC-MAIN-2024-10/warc[7:]", "none of them is in the range"),
        ("CC-MAIN-2024-10[1]", "expected a snapshot like"),
    ],
)
def test_a_bad_name_is_told_in_one_line(shelf: Shelf, tmp_path: Path, given: str, message: str) -> None:
    with pytest.raises(BadSource, match=message):
        WarcFiles.find([given]).units(store(tmp_path))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>We are sorry</html>", "expected a gzipped list, found b'<html>We are sorry"),
        (gzip.compress(b"x.warc.gz\n" * 9)[:-9], "expected a gzipped list"),
        (gzip.compress(b"../../etc/passwd\n"), "expected one path of a warc file on each line"),
        (gzip.compress(b"http://elsewhere.example/a.warc.gz\n"), "expected one path of a warc file on each line"),
        (gzip.compress(bytes(1 << 27)), "expected a gzipped list"),
    ],
    ids=["no gzip", "cut off", "out of its folder", "of another host", "too long"],  # the bytes hold the time
)
def test_an_answer_that_is_no_list_of_files_is_refused(
    shelf: Shelf, tmp_path: Path, answer: bytes, message: str
) -> None:
    shelf.files[LIST] = answer
    with pytest.raises(BadSource, match=message):
        WarcFiles.find(["CC-MAIN-2024-10"]).units(store(tmp_path))


def test_a_file_of_a_crawl_is_not_taken_for_a_snapshot() -> None:
    assert Snapshot.parse("CC-MAIN-20240517233122-20240518023122-00000.warc.gz") is None
    assert Snapshot.parse("downloads/CC-MAIN-2024-10") is None


def test_a_snapshot_is_read_from_a_bucket_too(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "KOBA_COMMON_CRAWL": "s3://crawl",
    }.items():
        monkeypatch.setenv(name, value)
    fs = fsspec.filesystem("s3", skip_instance_cache=True)
    fs.mkdir("crawl")
    for name, data in shelf.files.items():
        fs.pipe_file(f"crawl/{name}", data)
    try:
        source = WarcFiles.find(["CC-MAIN-2024-10/warc[0:2]"])
        assert urls(source, store(tmp_path)) == [
            f"https://{number}.example/{page}" for number in (0, 1) for page in "ab"
        ]
        assert source.locations()[NAME.format(0)] == f"s3://crawl/{NAME.format(0)}"
        with pytest.raises(BadSource, match="no such snapshot"):
            WarcFiles.find(["CC-MAIN-2024-99"]).units(store(tmp_path))
    finally:
        fsspec.filesystem("s3").clear_instance_cache()
        server.stop()
