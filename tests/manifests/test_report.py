"""The report in a real browser: hostile text is seen, never obeyed, and nothing is fetched."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import html

from manifests.diff import diff
from manifests.report.page import dataset_page, diff_page
from manifests.rows import Document, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.manifests.stages import Length, SameLast, Source, numbers
from tests.patience import LIMIT_S

CHROMIUM = shutil.which("chromium")
HOSTILE = (
    "<script>document.title='owned'</script>",
    "</pre></div><img src=x onerror=\"document.title='owned'\">",
    "<svg onload=\"document.title='owned'\"><style>body{display:none}</style>",
    "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
    '{{ 7 * 7 }} {% raw %} " onmouseover="alert(1)',
    "<meta http-equiv='refresh' content='0;url=https://evil.example/'>",
    "\u202egnp.exe \u2066 \x1b[31m",
)


@dataclass(frozen=True)
class Evil:
    key: str = "evil"
    file: str = "evil"
    end: str = ""

    def rows(self):
        for number, text in enumerate(HOSTILE):
            yield Document(
                id=row_id("document", self.key, str(number)),
                source=text,
                url=f"javascript:alert(1)//https://{text}/",
                licence=text,
                language=text[:12],
                text=text * (number + 1) + self.end,
            )


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def browser(tmp_path):
    if not CHROMIUM:
        pytest.skip("needs chromium (Debian package chromium)")

    def look(page: str) -> html.HtmlElement:
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        settings = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        offline = ["--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND"]
        profile = [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--window-size=1100,2000"]
        command = [CHROMIUM, *settings, *offline, *profile, f"--screenshot={tmp_path / 'page.png'}", "--dump-dom"]
        done = subprocess.run([*command, path.as_uri()], capture_output=True, timeout=LIMIT_S, check=True)
        assert (tmp_path / "page.png").stat().st_size > 10_000
        return html.fromstring(done.stdout.decode())

    return look


def test_hostile_text_is_seen_in_the_browser_and_never_obeyed(store, browser):
    recipe = Recipe("r", (Length(120), SameLast()))
    made = run(recipe, Source((Evil(), *numbers(0, 30).parts)), store=store).manifest
    seen = browser(dataset_page(store, made, "<b>evil</b>@1"))
    assert seen.findtext(".//title") == "<b>evil</b>@1 · koba"
    assert seen.xpath("//script | //iframe | //img | //object | //embed | //link | //form | //base") == []
    assert [name for element in seen.iter() for name in element.attrib if name.lower().startswith("on")] == []
    assert HOSTILE[0] in seen.text_content()
    assert "49" not in seen.xpath("string(//pre[contains(., '{{ 7 * 7 }}')])")


def test_the_report_shows_funnel_rules_groups_twins_and_lineage(store, browser):
    made = run(Recipe("r", (Length(60), SameLast())), numbers(0, 40), store=store, tag="n").manifest
    seen = browser(dataset_page(store, made, "n@1"))
    text = re.sub(r"\s+", " ", seen.text_content())
    assert "Length keeps length/chars <= 60" in text
    assert seen.xpath("//h3[.='length/too_long']")
    assert {"Funnel", "Rules", "Domains and languages", "Near-duplicates", "Lineage"} <= {
        h.text for h in seen.iter("h2")
    }
    assert "site1.example" in text
    assert made.id in text
    assert len(seen.xpath("//*[local-name()='svg']")) == 4


def test_clusters_are_counted_and_compared_word_by_word(store, browser):
    made = run(Recipe("r", (Length(60), SameLast())), numbers(0, 40), store=store).manifest
    seen = browser(dataset_page(store, made, "n"))
    dropped = made.steps[1].dropped
    text = re.sub(r"\s+", " ", seen.text_content())
    assert f"{dropped} rows" in text
    rows = seen.xpath("//h3[.='At another threshold']/following::table[1]//tr[position() < 3]")
    assert [[cell.text for cell in row] for row in rows] == [
        ["same/last, 0.5 now", "0.6", "0.7", "0.8", "0.9", "1"],
        ["rows", "0", "0", "0", "0", str(dropped)],
    ]
    assert {"The largest", "The least alike", "By chance"} <= {h.text for h in seen.iter("h3")}
    differences = ["".join(pre.itertext("del", "ins")) for pre in seen.xpath("//pre[del and ins]")]
    assert differences
    assert all(re.fullmatch(r"[\d ]+", difference) for difference in differences)


def test_hostile_copies_are_marked_as_text(store, browser):
    recipe = Recipe("r", (Length(10_000), SameLast()))
    twice = Source((Evil(), Evil("again", "again", " and more"), *numbers(0, 30).parts))
    seen = browser(dataset_page(store, run(recipe, twice, store=store).manifest, "n"))
    assert seen.xpath("//*[@id='twins']/following::script | //*[@id='twins']/following::img | //iframe") == []
    marked = "".join(seen.xpath("//ins//text() | //del//text()"))
    assert "<" in marked
    assert "=" in marked
    assert all(not list(mark) for mark in seen.xpath("//ins | //del"))


def test_a_dataset_without_copies_has_no_section_on_them(store):
    made = run(Recipe("r", (Length(60),)), numbers(0, 10), store=store).manifest
    assert "Near-duplicates" not in dataset_page(store, made, "n")


def test_a_page_loads_nothing_and_forbids_scripts(store):
    made = run(Recipe("r", (Length(60),)), numbers(0, 10), store=store).manifest
    page = dataset_page(store, made, "n")
    assert "default-src 'none'" in page
    assert not re.findall(
        r"""(?:src|href|action)=["']?(?!#)[^"'> ]+""", re.sub(r'xlink:href="#[^"]*"|xmlns\S+', "", page)
    )
    assert page == dataset_page(store, made, "n")


def test_the_difference_of_two_versions_is_a_page_too(store, browser):
    for limit in (60, 40):
        run(Recipe("r", (Length(limit),)), Source((Evil(), *numbers(0, 40).parts)), store=store, tag="n")
    seen = browser(diff_page(diff(store, "n@1", "n@2"), "n@1", "n@2"))
    text = re.sub(r"\s+", " ", seen.text_content())
    assert "max_chars 60 → 40" in text
    assert "removed: length/too_long" in text
    assert seen.xpath("//script | //img | //iframe") == []


def test_an_empty_dataset_has_a_report(store):
    made = run(Recipe("r", (Length(0),)), numbers(0, 3), store=store).manifest
    assert "length/too_long" in dataset_page(store, made, "none")


def test_a_report_is_one_file_of_moderate_size(store, tmp_path):
    made = run(Recipe("r", (Length(60), SameLast())), numbers(0, 400), store=store).manifest
    path = Path(tmp_path / "r.html")
    path.write_text(dataset_page(store, made, "n"), encoding="utf-8")
    assert path.stat().st_size < 1_000_000
