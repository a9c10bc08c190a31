"""The command line, as a user types it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from koba import main
from manifests.commands import COMMANDS
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.corpus import crawl_of_ours
from tests.corpus.web_server import serving
from tests.manifests.stages import Length, SameLast, Shout, numbers

ROOT = Path(__file__).parents[1]
CONTENT = "2e25090b446593695bf0679cea92416ac2316285e08bfcf161019b9807f66e45"  # of web-sample@1, as the README says


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("store"))
    for limit in (60, 40):
        run(Recipe("n", (Shout(), Length(limit), SameLast())), numbers(0, 20, 40), store=Store(folder), tag="n")
    return folder


def koba(url, *arguments):
    return CliRunner().invoke(main, [*arguments, "--store", url])


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert [name for name in main.commands if f"`koba {name}" not in readme] == []
    assert {command.name for command in COMMANDS} < set(main.commands)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_has_help_that_begins_with_a_sentence(name):
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert re.search(r"\n\n  [A-Z][^\n]+", done.output)


def test_the_options_of_a_recipe_are_those_of_its_signature():
    told = CliRunner().invoke(main, ["run", "web", "--help"]).output
    assert "--min-words INTEGER" in told
    assert "[default: ja,en]" in told
    assert "Clean Japanese and English text from a web crawl." in CliRunner().invoke(main, ["run", "--help"]).output


def test_versions_are_listed_and_shown(url):
    assert [line.split()[0] for line in koba(url, "ls").output.splitlines()] == ["name", "n@1", "n@2"]
    assert "length/too_long" in koba(url, "show", "n@1").output
    assert len(json.loads(koba(url, "ls", "--json").output)) == 2


def test_a_diff_names_rule_value_and_threshold_of_each_removed_row(url):
    told = koba(url, "diff", "n@1", "n@2", "--limit", "100").output
    assert "Length changed: max_chars 60 → 40" in told
    assert re.search(r"- [0-9a-f]{12} Length: length/too_long: 4\d, threshold 40", told)
    assert koba(url, "diff", "n@1", "n@2", "--exit-code").exit_code == 1
    assert koba(url, "diff", "n@1", "n@1", "--exit-code").exit_code == 0


def test_why_tells_the_story_of_a_kept_a_dropped_and_a_copied_row(url):
    kept = json.loads(koba(url, "sample", "n@1", "-n", "1", "--json").output)[0]["id"]
    dropped = json.loads(koba(url, "sample", "n@1", "--reason", "length/too_long", "-n", "1", "--json").output)[0]["id"]
    copied = json.loads(koba(url, "sample", "n@1", "--reason", "same/last", "-n", "1", "--json").output)[0]["id"]
    assert "kept: passed" in koba(url, "why", kept, "--in", "n@1").output
    assert "dropped by Length: length/too_long" in koba(url, "why", dropped[:10], "--in", "n@1").output
    assert "which is kept" in koba(url, "why", copied, "--in", "n@1").output


def test_what_if_answers_without_running_anything(url):
    told = koba(url, "what-if", "n@1", "--rule", "length/too_long", "--threshold", "40").output
    assert "length/too_long at 40 instead of 60" in told


def test_rows_are_found_by_their_text(url):
    assert "SHOUT" in koba(url, "grep", "SHOUT 1", "n@1").output
    assert koba(url, "grep", "-F", "no such text", "n@1").exit_code == 1


def test_data_go_out_and_come_back(url, tmp_path):
    for layout in ("hf", "jsonl", "parquet"):
        assert koba(url, "export", "n@1", str(tmp_path / layout), "--format", layout).exit_code == 0
        assert koba(url, "import", str(tmp_path / layout), "--tag", f"back-{layout}").exit_code == 0
        assert Store(url).manifest(f"back-{layout}").content == Store(url).manifest("n@1").content


def test_a_page_is_written_for_a_dataset_and_for_a_difference(url, tmp_path):
    assert koba(url, "report", "n@1", "-o", str(tmp_path / "r.html")).exit_code == 0
    assert koba(url, "diff", "n@1", "n@2", "--html", str(tmp_path / "d.html")).exit_code == 0
    assert "n@1 → n@2" in (tmp_path / "d.html").read_text()


def test_a_store_is_checked_collected_and_a_row_taken_down(tmp_path):
    url = str(tmp_path / "store")
    run(Recipe("n", (Length(60),)), numbers(0, 20), store=Store(url), tag="n")
    row = json.loads(koba(url, "sample", "n", "-n", "1", "--json").output)[0]["id"]
    assert koba(url, "tag", "kept", "n").output == "kept@1\n"
    assert koba(url, "fsck", "--deep").exit_code == 0
    assert "1 rows taken down" in koba(url, "forget", row, "--yes").output
    assert "would be deleted" in koba(url, "gc", "--grace-hours", "0").output
    assert koba(url, "gc", "--grace-hours", "0", "--delete").exit_code == 0
    assert koba(url, "fsck", "--deep").exit_code == 0
    assert "forget/takedown" in koba(url, "why", row).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["show", "nothing"], "there is no dataset 'nothing'; expected a name"),
        (["show", "n@9"], "n has no version '9'; it has 1, 2"),
        (["why", "ffffffffffffffff"], "no row id starts with 'ffffffffffffffff'"),
        (["why", "xyz"], "is no row id"),
        (["what-if", "n", "--rule", "length/to_long", "--threshold", "4"], "length/too_long"),
        (["run", "web", "/no/such/*.warc.gz"], "no file matches"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(url, arguments, told):
    done = subprocess.run(
        [sys.executable, "-m", "koba", *arguments, "--store", url],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_quickstart_runs_on_a_crawl_of_the_users_own(tmp_path):
    crawl = crawl_of_ours.write(tmp_path / "crawl", files=1)[0]
    command = [sys.executable, "-m", "koba", "quickstart", "--warc", str(crawl), "--store", str(tmp_path / "store")]
    command += ["--web-only"]
    for turn in range(2):
        done = subprocess.run(
            [*command, "--report", str(tmp_path / "r.html")], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "read again" in done.stdout
        assert "minhash/near_duplicate" in done.stdout or "near" in done.stdout
        assert (turn == 0) or "0 units made" in done.stderr
    assert [ref.number for ref in Store(str(tmp_path / "store")).history("web-sample")] in ([1], [1, 2])
    assert "web-sample" in (tmp_path / "r.html").read_text()


@pytest.mark.network
@pytest.mark.timeout(3_600)
@pytest.mark.skipif(os.environ.get("KOBA_NETWORK") != "1", reason="downloads 140 MB; set KOBA_NETWORK=1")
def test_the_quickstart_gives_everyone_the_same_pages_and_leads_from_a_step_of_a_training_back_to_them(tmp_path):
    command = [sys.executable, "-m", "koba", "quickstart", "--store", str(tmp_path / "store")]
    command += ["--downloads", str(ROOT / "downloads"), "--report", str(tmp_path / "r.html")]
    command += ["--folder", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    store = Store(str(tmp_path / "store"))
    assert store.manifest("web-sample@1").content == CONTENT
    assert CONTENT in (ROOT / "README.md").read_text()
    assert store.manifest("web-distilled").rows > 20
    assert "call " in done.stdout
    assert re.search(r"(\d+) records read again, \1 of them equal", done.stdout)
    assert "perplexity" in (tmp_path / "r-training.html").read_text()


def test_an_import_from_an_address_reads_it_and_says_in_one_line_where_there_is_nothing(tmp_path):
    with serving() as shelf:
        shelf.files["rows.jsonl"] = b'{"text": "a row from far away"}\n'
        assert koba(str(tmp_path), "import", f"{shelf.url}/rows.jsonl", "--tag", "far").exit_code == 0
        gone = koba(str(tmp_path), "import", f"{shelf.url}/none.jsonl", "--tag", "gone")
    assert Store(str(tmp_path)).manifest("far").rows == 1
    assert gone.exit_code == 2
    assert "none.jsonl" in gone.output
    assert len(gone.output.strip().splitlines()) == 1
