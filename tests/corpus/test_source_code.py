"""Code with its licence, from wheels, source archives, installed packages and folders."""

import tarfile
import zipfile

import pytest

from corpus.package_licence import expression, file_licence, package_licence
from corpus.packaged_code import CodeFiles
from corpus.source_code import recipe
from filters.code_sets import LABEL
from manifests.errors import BadSource
from manifests.rows import Document
from manifests.run import run
from manifests.stage import Rejected
from manifests.store import Store
from manifests.view import View

METADATA = "Metadata-Version: 2.4\nName: bees\nVersion: 1.0\nLicense-Expression: MIT OR Apache-2.0\n\nBees.\n"
FILES = {
    "bees/hive.py": b"def hives(bees):\n    return bees // 12\n",
    "bees/_vendor/wasps.py": b"def sting():\n    ...\n",
    "bees/latin.py": "x = 'é'\n".encode("latin-1"),
    "bees/gpl.rs": b"// SPDX-License-Identifier: GPL-3.0-or-later\nfn a() {}\n",
    "bees/readme.txt": b"no code",
}


@pytest.fixture
def packages(tmp_path):
    """The same package in all its forms: a wheel, a source archive, installed, and a folder without metadata."""
    wheel, source = tmp_path / "bees-1.0-py3-none-any.whl", tmp_path / "bees-1.0.tar.gz"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in {**FILES, "bees-1.0.dist-info/METADATA": METADATA}.items():
            archive.writestr(name, data)
    folder = tmp_path / "site" / "bees"
    for name, data in FILES.items():
        path = folder.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    installed = folder.parent / "bees-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(METADATA)
    record = [*FILES, "bees-1.0.dist-info/METADATA", "../../../etc/passwd", "/etc/passwd"]
    (installed / "RECORD").write_text("".join([f"{name},sha256=x,1\n" for name in record]))
    with tarfile.open(source, "w:gz") as archive:
        archive.add(folder, "bees-1.0/bees")
        archive.add(installed / "METADATA", "bees-1.0/PKG-INFO")
    return {"wheel": wheel, "source": source, "installed": installed, "folder": folder}


def read(path, **options):
    [unit] = CodeFiles.find([str(path)], **options).units(None)
    return list(unit.rows())


@pytest.mark.parametrize("form", ["wheel", "source", "installed"])
def test_files_have_the_licence_of_their_package_or_their_own(packages, form):
    found = read(packages[form])
    kept = {doc.text: doc for doc in found if isinstance(doc, Document)}
    assert {text: doc.licence for text, doc in kept.items()} == {
        FILES["bees/hive.py"].decode(): "MIT OR Apache-2.0",
        FILES["bees/gpl.rs"].decode(): "GPL-3.0-or-later",
    }
    assert sorted(doc.labels[LABEL] for doc in kept.values()) == ["python", "rust"]
    assert sorted(refused.reason for refused in found if isinstance(refused, Rejected)) == [
        "source_code/not_utf8",
        "source_code/vendored",
    ]


def test_a_folder_without_metadata_has_the_licence_that_the_user_states(packages):
    reasons = [found.reason for found in read(packages["folder"]) if isinstance(found, Rejected)]
    assert reasons.count("source_code/no_licence") == 1
    stated = read(packages["folder"], licence="ISC")
    assert "ISC" in {doc.licence for doc in stated if isinstance(doc, Document)}


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ("License-Expression: mit", "MIT"),
        ("License: MIT License", "MIT"),
        ("License: Apache License, Version 2.0", "Apache-2.0"),
        ("License: BSD 3-Clause License", "BSD-3-Clause"),
        ("License: BSD", None),
        ("License: Proprietary", None),
        ("License: MIT and some more words", None),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License", None),
        (
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: ISC License (ISCL)",
            None,
        ),
        ("", None),
        ("License: " + "word " * 1_000, None),
        ("License-Expression: (((((", None),
    ],
)
def test_a_licence_is_read_where_it_is_clear_and_never_guessed(lines, licence):
    assert package_licence(f"Name: bees\n{lines}\n\nBody.".encode()) == licence


def test_a_file_says_its_licence_in_its_head_only():
    assert file_licence("#!/bin/sh\n# SPDX-License-Identifier: MIT OR Apache-2.0\n") == "MIT OR Apache-2.0"
    assert file_licence("# SPDX-License-Identifier: Nobody-1.0\n") is None
    assert file_licence("x = 1\n" * 1_000 + "# SPDX-License-Identifier: MIT\n") is None
    assert expression("MIT AND\0") is None


def test_an_archive_that_is_none_and_a_pattern_that_fits_nothing_are_told(tmp_path):
    with pytest.raises(BadSource, match="no package matches"):
        CodeFiles.find([str(tmp_path / "*.whl")]).units(None)
    (tmp_path / "x.whl").write_bytes(b"no zip")
    with pytest.raises(BadSource, match=r"x\.whl: expected a tar or zip archive"):
        read(tmp_path / "x.whl")
    (tmp_path / "empty.dist-info").mkdir()
    with pytest.raises(BadSource, match="expected a folder of code"):
        read(tmp_path / "empty.dist-info")


def test_packages_become_a_dataset_of_one_language(packages, tmp_path):
    store = Store(str(tmp_path / "store"))
    done = run(recipe(languages=("python",), min_chars=10), CodeFiles.find([str(packages["wheel"])]), store=store)
    [row] = View(store, done.manifest)
    assert (row.licence, row.labels["path"]) == ("MIT OR Apache-2.0", "bees/hive.py")
    assert done.manifest.licences == {"MIT OR Apache-2.0": 1}
    again = run(recipe(languages=("python",), min_chars=10), CodeFiles.find([str(packages["wheel"])]), store=store)
    assert again.manifest.id == done.manifest.id
