"""Licences of rows: put together, and allowed or not before a version gets its name."""

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import BadRecipe, BadRow
from manifests.licences import UNKNOWN, Licences, joined
from manifests.program import program
from manifests.run import run
from manifests.stage import Recipe, Stage
from manifests.store import Store
from tests.manifests.stages import numbers

GIVEN = {0: "CC-BY-4.0", 1: "CC-BY-NC-4.0", 2: None}


class Licensed(Stage):
    """A licence for each row, by its number."""

    def __call__(self, rows):
        for row in rows:
            yield row.replace(licence=GIVEN[int(row.text.split()[0]) % 3])

    def describe(self):
        return {"stage": "Licensed"}


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "s"))


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("mit", True),
        ("CC-BY-4.0", True),
        ("CC-BY-3.0", True),
        ("CC-BY-NC-4.0", False),
        ("CC-BY-SA-4.0", False),
        ("MIT AND CC-BY-4.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("(MIT OR GPL-3.0-only) AND CC-BY-4.0", True),
        ("MIT OR GPL-3.0-only AND CC-BY-NC-4.0", True),
        ("(MIT OR GPL-3.0-only) AND CC-BY-NC-4.0", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("GPL-2.0-only", False),
        (None, False),
        ("", False),
        (UNKNOWN, False),
        ("MIT AND", False),
        ("all rights, reserved", False),
        ("(" * 1_500 + "MIT" + ")" * 1_500, False),
        ("MITX", False),
        ("X MIT", False),
    ],
)
def test_an_expression_is_allowed_where_its_licences_are(licence, allowed):
    check = Licences(("MIT", "CC-BY-*", "GPL-2.0-only WITH Classpath-exception-2.0"))
    assert check.allows(licence) is allowed


def test_an_unknown_licence_is_allowed_where_that_is_said():
    check = Licences.of(f"MIT, {UNKNOWN}")
    assert [check.allows(licence) for licence in (None, UNKNOWN, f"{UNKNOWN} AND MIT", "GPL-2.0-only")] == [
        True,
        True,
        True,
        False,
    ]
    for nothing in ("", "MIT,,"):
        with pytest.raises(BadRecipe, match="expected SPDX identifiers"):
            Licences.of(nothing)


def test_licences_are_joined_so_that_each_still_binds():
    assert joined("CC-BY-4.0", "Apache-2.0") == "CC-BY-4.0 AND Apache-2.0"
    assert joined("CC-BY-4.0 AND Apache-2.0", "Apache-2.0") == "CC-BY-4.0 AND Apache-2.0"
    assert joined("MIT OR GPL-2.0-only", "Apache-2.0") == "(MIT OR GPL-2.0-only) AND Apache-2.0"
    assert joined(None, "MIT") == "NOASSERTION AND MIT"
    assert joined("MIT", None) == joined("MIT", "MIT") == "MIT"
    assert not Licences(("MIT",)).allows(joined("do as you like, please", "MIT"))


@given(st.text(max_size=60))
def test_no_text_in_the_place_of_a_licence_is_an_error(text):
    assert Licences(("MIT",)).allows(text) in {True, False}
    assert "MIT" in (joined(text, "MIT") or "")


def test_a_version_with_rows_under_other_licences_gets_no_name(store):
    recipe = Recipe("r", (Licensed(),))
    with pytest.raises(BadRow) as error:
        run(recipe, numbers(0, 10), store=store, tag="web", checks=[Licences(("CC-BY-*",))])
    said = str(error.value)
    for part in ("3 rows: 'CC-BY-NC-4.0'", "3 rows: 'NOASSERTION'", "allowed are CC-BY-*", "no name was given"):
        assert part in said
    assert store.head("web") is None
    assert list(store.runs()) == []
    made = run(recipe, numbers(0, 10), store=store).manifest
    example = said.split("such as row ")[1].split(";", maxsplit=1)[0]
    assert store.manifest(made.id).rows == 10
    assert len(example) == 32


def test_a_version_whose_rows_are_allowed_is_as_without_the_check(store):
    recipe = Recipe("r", (Licensed(),))
    plain = run(recipe, numbers(0, 10), store=store)
    checked = run(
        recipe, numbers(0, 10), store=store, tag="web", checks=[Licences.of("CC-BY-*,CC-BY-NC-*,NOASSERTION")]
    )
    assert checked.manifest.id == plain.manifest.id
    assert (checked.made, store.head("web").manifest) == (0, plain.manifest.id)


def test_a_command_takes_the_licences_that_are_allowed(store):
    def recipe() -> Recipe:
        return Recipe("r", (Licensed(),))

    command = program(recipe, lambda _: numbers(0, 3), default_source="numbers")
    asked = ["--store", store.url, "--workers", "1", "--licences"]
    refused = CliRunner().invoke(command, [*asked, "CC-BY-*"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "1 rows: 'CC-BY-NC-4.0'" in refused.stderr
    assert CliRunner().invoke(command, [*asked, "CC-BY-*, CC-BY-NC-*, NOASSERTION"]).exit_code == 0
    assert store.head("r") is not None
