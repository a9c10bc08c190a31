import json
import os
import subprocess
import sys
import tempfile
import time
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
from tests.families import kill_family

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


def test_a_submitted_job_makes_the_dataset_on_a_cluster_without_installing_koba(made, tmp_path):
    """`ray start --head`, then `ray job submit --working-dir . -- python corpus/web.py ...`, as a user would."""
    (tmp_path / "token").write_text("0123456789abcdef" * 4)
    ports = {
        name: 20000 + (os.getpid() * 7 + place) % 20000
        for place, name in enumerate(("gcs", "dashboard", "client", "agent"))
    }
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    environment |= {"PYTHONPATH": "", "RAY_USAGE_STATS_ENABLED": "0"}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ray = str(Path(sys.executable).with_name("ray"))
    start = [ray, "start", "--head", "--block", "--num-cpus=2", f"--port={ports['gcs']}", "--dashboard-host=127.0.0.1"]
    start += [
        f"--dashboard-port={ports['dashboard']}",
        f"--temp-dir={_short_folder()}",
        f"--ray-client-server-port={ports['client']}",
        f"--dashboard-agent-listen-port={ports['agent']}",
    ]
    with (tmp_path / "head.log").open("wb") as log:
        head = subprocess.Popen(start, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            crawl = [str(Path(path).absolute()) for path in made[2]]
            program = ["python", "corpus/web.py", *crawl, "--store", str(tmp_path / "store"), "--tag", "job"]
            address = f"--address=http://127.0.0.1:{ports['dashboard']}"
            submit = [ray, "job", "submit", address, "--working-dir", str(_tree(tmp_path)), "--", *program]
            done = _when_up(submit, environment)
        finally:
            kill_family(head.pid)
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "head.log").read_text()
    assert Store(str(tmp_path / "store")).head("job").manifest == made[1].id
    assert made[1].id in done.stdout


def _tree(tmp_path: Path) -> Path:
    """The repository's own files, as a user's checkout would be: without environments and downloads."""
    target = tmp_path / "checkout"
    names = subprocess.run(
        ["git", "ls-files", "*.py", "*.j2"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in names.split():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes((ROOT / name).read_bytes())
    return target


def _short_folder() -> str:
    return tempfile.mkdtemp(prefix="r", dir="/tmp")  # Ray's sockets may not have long paths


def _when_up(command, environment):
    """Submit until the head and its job agent are up."""
    for _ in range(60):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        said = done.stdout + done.stderr
        if done.returncode == 0 or not ("Failed to connect" in said or "No available agent" in said):
            return done
        time.sleep(1)
    return done
