"""Lists of words in files, named by a recipe."""

from pathlib import Path

from click.testing import CliRunner

from filters.url_list import UrlList
from filters.word_list import WordList
from manifests.program import program
from manifests.rows import Document, row_id
from manifests.stage import Recipe
from manifests.store import Store
from tests.sources import OneUnit


class Pages(OneUnit):
    """A source of two rows."""

    key = file = "pages"

    def rows(self):
        for host in ("shop.example", "club.example"):
            yield Document(id=row_id("document", "pages", host), text=f"about {host}", url=f"https://{host}/")


def recipe(hosts: str = "") -> Recipe:
    """Pages that are on no list."""
    return Recipe("pages", (UrlList(domains=(WordList(hosts),)),))


def test_a_preview_applies_a_list_and_leaves_nothing_in_the_store(tmp_path):
    (tmp_path / "hosts.txt").write_text("shop.example\n")
    command = program(recipe, lambda _: Pages(), default_source="pages")
    options = ["--hosts", str(tmp_path / "hosts.txt"), "--store", str(tmp_path / "store"), "--preview", "5"]
    shown = CliRunner().invoke(command, options, catch_exceptions=False)
    assert "about club.example" in shown.stdout
    assert "about shop.example" not in shown.stdout
    assert not list(Store(str(tmp_path / "store")).files.keys(""))
    assert not Path(tmp_path / "store").exists()
