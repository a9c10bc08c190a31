"""Rules that hold for every file of the house."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("manifests", "filters", "dedup", "corpus", "generators", "trainer")
FILES = [ROOT / "koba.py", *(path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py")))]
ALONE = {  # heavy libraries: each is imported in one module
    "ray": ["manifests/cluster.py", "trainer/distributed.py"],
    "faiss": ["dedup/neighbours.py"],
    "onnxruntime": ["manifests/sentence_model.py"],
    "fasttext": ["filters/fasttext_model.py"],
    "trafilatura": [],
    "datasketch": ["dedup/reference.py"],
    "nltk": ["dedup/reference.py"],
    "vllm": ["generators/vllm_engine.py"],
    "datatrove": ["filters/datatrove_stage.py"],
}


def parsed(path):
    return ast.parse(path.read_text())


def imports(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def reasons(path):
    """Yield every literal reason for which a row is refused."""
    first_only = {"Rule", "at_least", "at_most", "below"}
    for node in ast.walk(parsed(path)):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if name in first_only | {"Rejected", "Drop", "Cuts", "Unreadable"}:
            for argument in node.args[:1] if name in first_only else node.args:
                value = argument.value if isinstance(argument, ast.Constant) else None
                if isinstance(value, str) and re.fullmatch(r"[a-z0-9_]+/[a-z0-9_]+", value):
                    yield value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_hides_a_library(path):
    taken = {*sys.stdlib_module_names, *packages_distributions()} - {*FLOORS, "koba"}
    assert path.stem == "__init__" or path.stem not in taken


@pytest.mark.parametrize("library", ALONE)
def test_a_heavy_library_is_imported_in_one_module(library):
    found = [str(path.relative_to(ROOT)) for path in FILES if library in set(imports(path))]
    assert found == ALONE[library]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reason_is_explained_where_it_is_given(path):
    tree = parsed(path)
    nodes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef))]
    words = "\n".join(ast.get_docstring(node) or "" for node in nodes)
    assert {reason for reason in reasons(path) if reason not in words} == set()


def test_every_reason_is_given_by_one_module_only():
    given = {}
    for path in FILES:
        for reason in set(reasons(path)):
            given.setdefault(reason, []).append(path.name)
    assert {reason: files for reason, files in given.items() if len(files) > 1} == {}


def test_a_public_import_starts_no_heavy_library():
    heavy = ["ray", "polars", "pyarrow", "numba", "torch"]
    code = f"import sys, koba; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_nothing_is_logged_and_swallowed():
    broad = [
        f"{path.name}:{node.lineno}"
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert broad == []
