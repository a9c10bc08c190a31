import sys
from pathlib import Path

import pytest

from corpus.debian_docs import Manual, fetch_debian_docs
from corpus.warc_pages import pages
from manifests.errors import BadSource
from manifests.rows import Page

MANUALS = (
    Manual(("guide-ja", "guide"), "MIT", ("usr/share/guide/*.html",), "https://g.example/", "usr/share/guide/"),
    Manual(("book",), "MIT", ("usr/share/book/*.html",)),
)
KNOWS_ALL = "print('\\n'.join(f'{name} | 1.0 | main' for name in sys.argv[2:]))"
# A package of these tests is a plain tar file with one page that holds the package's name.
GETS_ALL = """
for name in sys.argv[sys.argv.index("download") + 1 :]:
    open("page", "w").write(name)
    with tarfile.open(f"{name}_1.0_all.deb", "w") as tape:
        entry = tape.gettarinfo("page", f"./usr/share/{name.removesuffix('-ja')}/{name}.html")
        entry.mtime = 1_577_934_245
        with open("page", "rb") as page:
            tape.addfile(entry, page)
"""
UNPACKS = "sys.stdout.buffer.write(open(sys.argv[2], 'rb').read())"


def tools(folder: Path, **scripts: str) -> None:
    """Write small programs that stand for apt's and dpkg's."""
    folder.mkdir()
    for name, script in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!{sys.executable}\nimport os, sys, tarfile\n{script}\n")
        path.chmod(0o755)


def read(path: Path) -> list[Page]:
    with path.open("rb") as stream:
        return [page for page in pages(stream, file=path.name, file_digest="") if isinstance(page, Page)]


def test_manuals_come_from_apt_and_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(tmp_path / "bin", apt_get=GETS_ALL, apt_cache=KNOWS_ALL, dpkg_deb=UNPACKS)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    path = fetch_debian_docs(tmp_path / "docs", manuals=MANUALS)
    assert [(page.url, page.content, page.date) for page in read(path)] == [
        ("https://g.example/guide-ja.html", b"guide-ja", "2020-01-02T03:04:05Z"),
        ("https://g.example/guide.html", b"guide", "2020-01-02T03:04:05Z"),
        ("file:///usr/share/book/book.html", b"book", "2020-01-02T03:04:05Z"),
    ]
    made = path.read_bytes()
    (tmp_path / "bin" / "apt-get").write_text(f"#!{sys.executable}\nraise SystemExit('not again')\n")
    assert fetch_debian_docs(tmp_path / "docs", manuals=MANUALS).read_bytes() == made


def test_packages_that_this_release_does_not_have_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools(tmp_path / "bin", apt_get=GETS_ALL, apt_cache="print('     book | 1.0 | main')", dpkg_deb=UNPACKS)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert len(read(fetch_debian_docs(tmp_path / "docs", manuals=MANUALS))) == 1


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ({}, "apt-get: not found"),
        ({"apt_get": "", "apt_cache": "", "dpkg_deb": ""}, "knows none .* run `apt-get update`"),
        ({"apt_get": "sys.exit('E: no route to host')", "apt_cache": KNOWS_ALL, "dpkg_deb": ""}, "E: no route to host"),
        ({"apt_get": GETS_ALL, "apt_cache": KNOWS_ALL, "dpkg_deb": "sys.exit(2)"}, "expected a Debian package"),
    ],
)  # fmt: skip
def test_where_apt_cannot_help_the_error_says_what_to_do(
    scripts: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(tmp_path / "bin", **scripts)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(BadSource, match=message):
        fetch_debian_docs(tmp_path / "docs", manuals=MANUALS)
