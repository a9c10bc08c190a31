import json
from pathlib import Path

import pytest

from corpus.crawl import WarcFiles
from corpus.web import recipe
from manifests.errors import BadSource
from manifests.funnel import funnel
from manifests.run import run
from manifests.store import Store
from manifests.view import View
from tests.corpus import crawl_of_ours

ROOT = Path(__file__).parents[2]
KEPT = {f"https://en.example/{topic}" for topic in ("bridges", "looms", "kilns", "tides", "maps", "clocks", "seeds")}
RIVERS = {f"https://{host}.example/rivers" for host in ("en", "mirror", "near")}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    crawl = [str(path) for path in crawl_of_ours.write(folder / "crawl")]
    store = Store(str(folder / "store"))
    return store, run(recipe(), WarcFiles.find(crawl), store=store, tag="web").manifest, crawl


def test_the_web_recipe_keeps_articles_once_and_refuses_the_rest_with_reasons(made):
    store, manifest, _ = made
    urls = {row.url for row in View(store, manifest)}
    assert len(urls & RIVERS) == 1
    assert urls >= KEPT
    reasons = {reason: rows for step in funnel(store, manifest) for reason, rows in step.reasons.items()}
    assert reasons == {
        "page/not_html": 1,
        "extract/empty": 1,
        "quick/other_language": 1,
        "gopher/few_words": 1,
        "exact/duplicate": 1,
        "minhash/near_duplicate": 1,
    }


def test_kept_rows_carry_text_language_and_the_way_back(made):
    store, manifest, _ = made
    rows = {row.url: row for row in View(store, manifest)}
    sjis = rows["https://sjis.example/"]
    assert (sjis.language, sjis.text.startswith("風車の歴史は")) == ("ja", True)
    assert rows["https://en.example/tides"].text.count("\n") == 13
    assert {row.origin.file for row in rows.values()} == {"crawl-0.warc.gz", "crawl-1.warc.gz"}
    assert all(row.origin.digest.startswith("sha256:") for row in rows.values())


def test_the_content_is_what_it_was_when_the_stages_got_their_versions(made):
    golden = ROOT / "tests" / "golden" / "web.json"
    expected = json.loads(golden.read_text())
    assert {"rows": made[1].rows, "content": made[1].content} == expected


def test_the_crawl_may_lie_elsewhere_and_in_other_files_order(made, tmp_path):
    _, manifest, _ = made
    paths = crawl_of_ours.write(tmp_path / "other")
    moved = run(recipe(), WarcFiles.find([str(path) for path in reversed(paths)]), store=Store(str(tmp_path / "s")))
    assert moved.manifest.id == manifest.id


def test_a_file_that_did_not_change_is_not_read_again(made):
    store, manifest, crawl = made
    again = run(recipe(), WarcFiles.find(crawl), store=store)
    assert (again.made, again.manifest.id) == (0, manifest.id)


def test_a_pattern_that_fits_no_file_and_two_files_of_one_name_are_errors(tmp_path):
    with pytest.raises(BadSource, match="no file matches"):
        WarcFiles.find([str(tmp_path / "*.warc.gz")]).units(Store(str(tmp_path / "s")))
    for folder in ("a", "b"):
        crawl_of_ours.write(tmp_path / folder, files=1)
    with pytest.raises(BadSource, match="two files are both named"):
        WarcFiles.find([str(tmp_path / "*" / "*.warc.gz")]).units(Store(str(tmp_path / "s")))


def test_a_broken_crawl_costs_rows_and_never_the_run(tmp_path):
    path = crawl_of_ours.write(tmp_path, files=1)[0]
    data = path.read_bytes()
    path.write_bytes(data[:2000] + bytes(60) + data[2060:-300])
    made = run(recipe(), WarcFiles.find([str(path)]), store=Store(str(tmp_path / "s"))).manifest
    assert made.rows >= 8
