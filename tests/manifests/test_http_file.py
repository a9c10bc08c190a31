import io
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from manifests import http_file
from manifests.errors import BadSource
from manifests.http_file import PIECE_BYTES, Gone, HttpFile, Patience
from manifests.remote import open_location, stamp_of
from tests.corpus.web_server import Shelf, serving
from tests.patience import Hurrying

DATA = random.Random(1).randbytes(3_000_000)
HASTY = Patience(attempts=3, first_wait_s=0.01, max_wait_s=0.02)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as made:
        made.files["a"] = DATA
        yield made


def read(shelf: Shelf, patience: Patience = HASTY, **options: int) -> bytes:
    with io.BufferedReader(HttpFile(f"{shelf.url}/a", patience=patience, **options)) as stream:
        return stream.read()


def test_a_file_is_read_in_one_request(shelf: Shelf) -> None:
    assert read(shelf) == DATA
    assert shelf.asked == [("a", "")]


def test_an_answer_that_is_cut_off_is_taken_up_where_it_ended(shelf: Shelf) -> None:
    shelf.faults = ["cut 1500000", "503", "ok"]
    assert read(shelf) == DATA
    assert [asked for _, asked in shelf.asked][1:] == ["bytes=1500000-", "bytes=1500000-"]


def test_an_answer_that_falls_silent_is_given_up_and_taken_up_again(shelf: Shelf) -> None:
    shelf.faults = ["stall 1500000", "ok"]
    assert read(shelf, replace(HASTY, attempts=100, silence_s=1.0)) == DATA
    (_, first), (_, second), *_ = shelf.asked
    assert first == ""
    assert re.fullmatch(r"bytes=[1-9]\d*-", second)


def test_a_server_without_ranges_is_read_on_too(shelf: Shelf) -> None:
    shelf.ranges = False
    shelf.faults = ["cut 1500000", "ok"]
    assert read(shelf) == DATA
    assert read(shelf, start=10, stop=20) == DATA[10:20]


def test_a_file_that_changes_while_it_is_read_is_refused(shelf: Shelf) -> None:
    def change(_path: str) -> None:
        shelf.files["a"] = DATA[::-1] if len(shelf.asked) > 1 else DATA

    shelf.on_request = change
    shelf.faults = ["cut 1500000", "ok"]
    with pytest.raises(Gone, match="changed while it was read"):
        read(shelf)


def test_a_server_that_keeps_failing_is_given_up_with_the_place(shelf: Shelf) -> None:
    shelf.faults = ["cut 5", "500", "503", "429"]
    with pytest.raises(BadSource, match=r"/a: HTTP 503 at byte 5, after 3 attempts"):
        read(shelf)


def test_a_server_that_drips_is_given_up_in_bounded_time(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_file, "time", Hurrying(HASTY.piece_s / 10))
    shelf.faults = ["drip"] * 9
    with pytest.raises(BadSource, match="fewer than 1,048,576 bytes arrived"):
        read(shelf)
    assert len(shelf.asked) == 3


def test_what_is_not_there_is_not_asked_for_twice(shelf: Shelf) -> None:
    with pytest.raises(Gone, match="HTTP 404"):
        open_location(f"{shelf.url}/b")
    assert len(shelf.asked) == 1


def test_nothing_listens_is_an_error_that_can_be_acted_on() -> None:
    with pytest.raises(BadSource, match="check the network"):
        HttpFile("http://127.0.0.1:9/a", patience=HASTY).read(1)


def test_a_stream_goes_to_any_offset(shelf: Shelf) -> None:
    with open_location(f"{shelf.url}/a", start=7) as stream:
        assert stream.read(3) == DATA[7:10]
        for offset in (20, 2_900_000, 0, PIECE_BYTES + 1):
            stream.seek(offset)
            assert stream.read(50) == DATA[offset : offset + 50]
        assert stream.seek(-5, 2) == len(DATA) - 5
        assert stream.read() == DATA[-5:]


def test_only_the_range_that_is_wanted_is_asked_for(shelf: Shelf) -> None:
    assert read(shelf, start=100, stop=300) == DATA[100:300]
    assert shelf.asked == [("a", "bytes=100-299")]
    assert read(shelf, start=len(DATA) - 5, stop=len(DATA) + 5) == DATA[-5:]
    with pytest.raises(Gone, match="has no byte"):
        read(shelf, start=len(DATA) + 5)


def test_a_stamp_tells_size_and_etag_without_the_file(shelf: Shelf) -> None:
    stamp = stamp_of(f"{shelf.url}/a")
    assert (stamp.size, len(stamp.etag)) == (len(DATA), 18)
    assert shelf.asked == [("a", "bytes=0-0")]
    shelf.files["a"] = b""
    assert stamp_of(f"{shelf.url}/a").size == 0
