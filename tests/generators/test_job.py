"""Translations as a job on a Ray cluster, as a user would submit it."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generators import translate
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.families import kill_family
from tests.generators.tasks import texts

ROOT = Path(__file__).parents[2]
STORIES = tuple(
    f"The keeper of the factory counts the boats of every evening; tonight {n} came home." for n in range(12)
)


def store_of_stories(folder: Path) -> Store:
    store = Store(str(folder))
    run(Recipe("import", ()), texts(*STORIES, units=4), store=store, tag="stories")
    return store


def test_a_submitted_job_translates_on_workers_as_one_process_does(tmp_path):
    recipe = translate.recipe(to="en", model="echo", engine="echo", n=2)
    alone = run(recipe, "stories", store=store_of_stories(tmp_path / "alone")).manifest
    store = store_of_stories(tmp_path / "store")
    program = ["python", "generators/translate.py", "stories", "--store", store.url, "--tag", "job", "--workers", "2"]
    program += ["--to", "en", "--model", "echo", "--engine", "echo", "--n", "2"]
    done = submit(program, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "head.log").read_text()
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


def submit(program: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """`ray start --head`, then `ray job submit --working-dir <a checkout> -- <program>`; then end that head."""
    (folder / "token").write_text("0123456789abcdef" * 4)
    ports = [40000 + (os.getpid() * 7 + place) % 20000 for place in range(4)]
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(folder / "token")}
    environment |= {"PYTHONPATH": "", "RAY_USAGE_STATS_ENABLED": "0"}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ray = str(Path(sys.executable).with_name("ray"))
    start = [ray, "start", "--head", "--block", "--num-cpus=2", "--dashboard-host=127.0.0.1"]
    start += [f"--port={ports[0]}", f"--dashboard-port={ports[1]}", f"--ray-client-server-port={ports[2]}"]
    start += [f"--dashboard-agent-listen-port={ports[3]}"]
    start += [f"--temp-dir={tempfile.mkdtemp(prefix='r', dir='/tmp')}"]  # Ray's sockets may not have long paths
    command = [ray, "job", "submit", f"--address=http://127.0.0.1:{ports[1]}", "--working-dir", str(checkout(folder))]
    with (folder / "head.log").open("wb") as log:
        head = subprocess.Popen(start, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            return when_up([*command, "--", *program], environment)
        finally:
            kill_family(head.pid)


def checkout(folder: Path) -> Path:
    """The repository's own files, without environments and downloads."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.j2"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if (ROOT / name).exists():
            (folder / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "checkout" / name).write_bytes((ROOT / name).read_bytes())
    return folder / "checkout"


def when_up(command: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Submit until the head and its job agent are up."""
    for _ in range(60):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        said = done.stdout + done.stderr
        if done.returncode == 0 or not ("Failed to connect" in said or "No available agent" in said):
            break
        time.sleep(1)
    return done
