"""What a whole crawl would take, from records of known figures."""

import json
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from manifests.errors import BadSource
from manifests.forecast import forecast
from manifests.forecast_command import forecast_crawl
from manifests.manifest import SourceRecord
from manifests.rows import Document, Origin, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from manifests.token_count import CountTokens
from manifests.tokens import train_tokenizer
from tests.manifests import small


@dataclass(frozen=True)
class Part:
    """A file of so many rows of ten characters, each counted as four tokens."""

    file: str
    rows_held: int

    @property
    def key(self):
        return [self.file, self.rows_held]

    def rows(self):
        for n in range(self.rows_held):
            yield Document(
                id=row_id("document", "t", f"{self.file}/{n}"),
                text=f"{n:010}",
                token_count=4,
                origin=Origin(self.file, n, 1, "sha256:x"),
            )


@dataclass(frozen=True)
class Crawl:
    """Files with their rows and sizes."""

    files: tuple[tuple[str, int, int], ...]

    def units(self, _store):
        return [Part(file, rows) for file, rows, _ in self.files]

    def records(self):
        return tuple(SourceRecord(file, "0" * 64, size) for file, _, size in self.files)

    def locations(self):
        return {}


def sample(tmp_path, *files, seconds=None, **record):
    """Return the store and the manifest of a crawl, whose run is said to have taken `seconds` for its files."""
    store = Store(str(tmp_path / "s"))
    manifest = run(Recipe("t", ()), Crawl(files), store=store, tag="t").manifest
    for path in (tmp_path / "s" / "runs").iterdir():
        path.unlink()
    seconds = [1.0] * len(files) if seconds is None else seconds
    part = {
        "title": "Import",
        "units": len(files),
        "reused": 0,
        "seconds": [sum(seconds)],
        "unit_seconds": seconds,
        "peak_bytes": 10**9,
        "wall_s": 1.0,
    }
    store.put_run("2026", {"manifest": manifest.id, "parts": [part | record], "limit": None})
    return store, manifest


THREE = (("a", 10, 100), ("b", 20, 200), ("c", 30, 300))  # in exact proportion


def test_what_is_in_proportion_to_the_bytes_is_foretold_exactly(tmp_path):
    found = forecast(*sample(tmp_path, *THREE, seconds=[600, 1200, 1800]), files=300, cores=10)
    assert (found.sample_files, found.sample_bytes, found.bytes) == (3, 600, 60_000)
    assert (found.rows.sample, found.rows.expected, found.rows.low, found.rows.high) == (60, 6_000, 6_000, 6_000)
    assert (found.characters.expected, found.tokens.expected) == (60_000, 24_000)
    assert found.core_hours.sample == 1.0
    assert found.core_hours.expected == found.hours.expected * 10 == 100.0
    assert found.memory_bytes == 10**10
    assert found.steps == {"Import": 100.0}
    assert found.disk_bytes.expected == pytest.approx(100 * found.disk_bytes.sample)


def test_bytes_stand_for_files_of_the_mean_size(tmp_path):
    store, manifest = sample(tmp_path, *THREE)
    assert forecast(store, manifest, size_bytes=60_000) == forecast(store, manifest, files=300)


def test_the_interval_is_students_for_the_spread_between_files(tmp_path):
    # 10 and 30 rows of equal bytes: mean 20, deviation sqrt(200), t(1) = 12.71; of 100 to come, 2,000 are expected.
    found = forecast(*sample(tmp_path, ("a", 10, 100), ("b", 30, 100)), files=100).rows
    half = 12.71 * 2000 * (200 * (1 / 2 + 1 / 100)) ** 0.5 / 20
    assert (found.expected, found.low) == (2000, 0.0)
    assert found.high == pytest.approx(2000 + half)


def test_more_files_that_differ_as_much_give_a_narrower_interval(tmp_path):
    few = forecast(*sample(tmp_path / "few", *[(str(n), 10 + n % 2, 100) for n in range(4)]), files=10_000).rows
    many = forecast(*sample(tmp_path / "many", *[(str(n), 10 + n % 2, 100) for n in range(40)]), files=10_000).rows
    assert few.expected == many.expected == 105_000
    assert 0 < many.high - many.low < (few.high - few.low) / 3


def test_the_spread_of_time_is_that_of_seconds_for_a_byte(tmp_path):
    steady = forecast(*sample(tmp_path / "a", *THREE, seconds=[1, 2, 3]), files=300).core_hours
    uneven = forecast(*sample(tmp_path / "b", *THREE, seconds=[3, 1, 2]), files=300).core_hours
    assert steady.low == steady.expected == steady.high
    assert uneven.expected == steady.expected
    assert uneven.low < uneven.expected < uneven.high


def test_units_that_were_found_as_before_are_counted_in(tmp_path):
    found = forecast(*sample(tmp_path, *THREE, seconds=[600, 600], reused=1), files=3)
    assert found.core_hours.expected == pytest.approx(0.5)


def test_one_file_gives_no_interval(tmp_path):
    found = forecast(*sample(tmp_path, ("a", 10, 100)), files=7)
    assert (found.rows.expected, found.rows.low, found.core_hours.high) == (70, None, None)


def test_a_part_that_the_run_found_made_has_the_time_of_an_earlier_run(tmp_path):
    store, manifest = sample(tmp_path, *THREE, reused=3, seconds=[], unit_seconds=[])
    with pytest.raises(BadSource, match="no run recorded the time of Import"):
        forecast(store, manifest, files=3)
    part = {"title": "Import", "units": 3, "reused": 0, "seconds": [3600.0], "wall_s": 1.0}
    store.put_run("2025", {"manifest": "1" * 64, "parts": [part]})
    found = forecast(store, manifest, files=6).core_hours
    assert (found.expected, found.low) == (2.0, None)


def test_what_cannot_be_foretold_is_an_error(tmp_path):
    store, manifest = sample(tmp_path, *THREE)
    for both in ({}, {"files": 1, "size_bytes": 1.0}):
        with pytest.raises(BadSource, match="say one of them"):
            forecast(store, manifest, **both)
    limited = run(Recipe("t", ()), Crawl(THREE), store=store, limit=15).manifest
    with pytest.raises(BadSource, match="--limit"):
        forecast(store, limited, files=3)


def test_a_real_run_of_three_parts_is_foretold_from_its_own_record(tmp_path):
    notes = small.Notes(small.write_notes(tmp_path / "notes"))
    store = Store(str(tmp_path / "s"))
    tokenizer = train_tokenizer(["the little factory"] * 3, vocabulary=300).save(store)
    recipe = Recipe("small", (*small.recipe().steps, CountTokens(tokenizer)))
    manifest = run(recipe, notes, store=store, tag="notes").manifest
    found = forecast(store, manifest, files=30)
    assert len(found.steps) == 3
    assert sum(found.steps.values()) == pytest.approx(found.core_hours.expected)
    assert found.rows.low < found.rows.expected < found.rows.high
    assert found.tokens.sample == manifest.tokens
    assert found.memory_bytes > 10**7
    shards = {entry.shard: entry.size for entry in manifest.entries}
    assert found.disk_bytes.sample > sum(shards.values())


def test_the_command_prints_a_table_or_json(tmp_path):
    store, _ = sample(tmp_path, *THREE, seconds=[600, 1200, 1800])
    shown = CliRunner().invoke(forecast_crawl, ["t", "--files", "300", "--cores", "10", "--store", store.url]).output
    lines = {line.split("  ")[0]: line.split() for line in shown.splitlines()}
    assert lines["core-hours"][-4:] == ["100", "100", "to", "100"]
    assert lines["hours on 10 cores"][-4:] == ["10", "10", "to", "10"]
    assert lines["tokens"][1:3] == ["240", "24,000"]
    assert lines["memory"][1:] == ["10", "GB"]
    as_json = CliRunner().invoke(forecast_crawl, ["t", "--bytes", "6e4", "--store", store.url, "--json"]).output
    assert json.loads(as_json)["rows"]["expected"] == 6_000
