"""Programs submitted to a Ray cluster, as a user would: one head for all of them."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus import web
from corpus.crawl import WarcFiles
from generators import translate
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.corpus import crawl_of_ours
from tests.families import kill_family
from tests.generators.tasks import texts
from tests.patience import LIMIT_S

ROOT = Path(__file__).parents[1]
RAY = str(Path(sys.executable).with_name("ray"))
NOT_UP_YET = ("Failed to connect", "No available agent")
STORIES = tuple(
    f"The keeper of the factory counts the boats of every evening; tonight {n} came home." for n in range(12)
)


@dataclass(frozen=True)
class Head:
    """A cluster of one machine, and a checkout of the repository's own files."""

    folder: Path
    url: str
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"

    def submit(self, *program: str) -> "subprocess.CompletedProcess[str]":
        """`ray job submit --working-dir <the checkout> -- <program>`, once the head and its job agent are up."""
        command = [RAY, "job", "submit", f"--address={self.url}", "--working-dir", str(self.folder / "checkout"), "--"]
        deadline = time.monotonic() + LIMIT_S
        while True:
            done = subprocess.run(
                [*command, *program], env=self.environment, capture_output=True, text=True, check=False
            )
            said = done.stdout + done.stderr
            up = done.returncode == 0 or not any(words in said for words in NOT_UP_YET)
            if up or time.monotonic() > deadline or self.process.poll() is not None:
                assert done.returncode == 0, said + (self.folder / "head.log").read_text()
                return done
            time.sleep(1)


@pytest.fixture(scope="module")
def head(tmp_path_factory) -> Iterator[Head]:
    """`ray start --head`, at ports that leave another head alone."""
    folder = tmp_path_factory.mktemp("head")
    (folder / "token").write_text("0123456789abcdef" * 4)
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
    environment |= {"PYTHONPATH": "", "RAY_USAGE_STATS_ENABLED": "0"}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ports = free_ports(4)
    start = [RAY, "start", "--head", "--block", "--num-cpus=2", "--dashboard-host=127.0.0.1"]
    start += [f"--port={ports[0]}", f"--dashboard-port={ports[1]}", f"--ray-client-server-port={ports[2]}"]
    start += [f"--dashboard-agent-listen-port={ports[3]}"]
    start += [f"--temp-dir={tempfile.mkdtemp(prefix='r', dir='/tmp')}"]  # Ray's sockets may not have long paths
    check_out(folder / "checkout")
    with (folder / "head.log").open("wb") as log:
        process = subprocess.Popen(start, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield Head(folder, f"http://127.0.0.1:{ports[1]}", environment, process)
        finally:
            kill_family(process.pid)


def free_ports(count: int) -> list[int]:
    """Return ports at which nothing listens, of those that the kernel gives to nobody by itself."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(20_000, 32_000), 1_000):
        with closing(socket.socket()) as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                found.append(port)
        if len(found) == count:
            break
    return found


def check_out(folder: Path) -> None:
    """Copy the repository's own files, without environments and downloads."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.j2"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())


def test_a_submitted_job_makes_the_dataset_on_a_cluster_without_installing_koba(head, tmp_path):
    crawl = [str(path.absolute()) for path in crawl_of_ours.write(tmp_path / "crawl")]
    alone = run(web.recipe(), WarcFiles.find(crawl), store=Store(str(tmp_path / "alone"))).manifest
    store = Store(str(tmp_path / "store"))
    done = head.submit("python", "corpus/web.py", *crawl, "--store", store.url, "--tag", "job")
    assert store.head("job").manifest == alone.id
    assert alone.id in done.stdout


def store_of_stories(folder: Path) -> Store:
    store = Store(str(folder))
    run(Recipe("import", ()), texts(*STORIES, units=4), store=store, tag="stories")
    return store


def test_a_submitted_job_translates_on_workers_as_one_process_does(head, tmp_path):
    recipe = translate.recipe(to="en", model="echo", engine="echo", n=2)
    alone = run(recipe, "stories", store=store_of_stories(tmp_path / "alone")).manifest
    store = store_of_stories(tmp_path / "store")
    program = ["python", "generators/translate.py", "stories", "--store", store.url, "--tag", "job", "--workers", "2"]
    done = head.submit(*program, "--to", "en", "--model", "echo", "--engine", "echo", "--n", "2")
    assert store.head("job").manifest == alone.id
    assert alone.id in done.stdout


def test_a_program_with_its_defaults_says_in_one_line_what_is_missing(tmp_path):
    def said(store: Store) -> str:
        command = [sys.executable, str(ROOT / "generators" / "translate.py"), "--store", store.url]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        [line] = done.stderr.splitlines()
        return line

    store = Store(str(tmp_path / "s"))
    assert "there is no dataset 'web-sample'" in (line := said(store))
    assert "`koba quickstart` makes 'web-sample'" in line
    run(Recipe("import", ()), texts(*STORIES), store=store, tag="web-sample")
    assert "there is no model 'models/smollm2'" in (line := said(store))
    assert "`koba models add smollm2`" in line
