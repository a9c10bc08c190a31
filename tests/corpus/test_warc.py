import gzip
import io
import itertools
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.warc import Broken, Record, read_records
from corpus.warc_writer import Writer

DATE = "2026-01-31T00:00:00Z"


def member(text: bytes) -> bytes:
    return zlib.compress(text, wbits=31)


def record(url: str, block: bytes, kind: str = "response", extra: bytes = b"", length: int | None = None) -> bytes:
    size = len(block) if length is None else length
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <id:{url}>\r\nWARC-Target-URI: {url}\r\n"
    return head.encode() + extra + b"Content-Length: %d\r\n\r\n" % size + block + b"\r\n\r\n"


def read(data: bytes, **options: int) -> list[Record | Broken]:
    return list(read_records(io.BytesIO(data), **options))


def told(data: bytes, **options: int) -> list[tuple[str | None, bytes] | str]:
    """URL and block of each record, the reason of each broken one."""
    return [one.reason if isinstance(one, Broken) else (one.url, bytes(one.content)) for one in read(data, **options)]


A, B, C = (record(name, name.encode() * 40) for name in "abc")
BLOCKS = [(name, name.encode() * 40) for name in "abc"]


def test_records_gzipped_one_by_one_have_the_offset_and_length_of_their_members() -> None:
    members = [member(A), member(B)]
    first, second = read(b"".join(members))
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.offset, first.length) == (0, len(members[0]))
    assert (second.offset, second.length) == (len(members[0]), len(members[1]))
    assert (second.type, second.id, second.url, bytes(second.content)) == ("response", "id:b", "b", b"b" * 40)


def test_records_without_gzip_tile_the_file() -> None:
    first, second = read(A + B)
    assert (first.offset, first.length) == (0, len(A))
    assert (second.offset, second.length) == (len(A), len(B))
    assert told(A + B + C) == BLOCKS


def test_records_in_one_gzip_member_are_read_with_offsets_in_the_uncompressed_stream() -> None:
    notice, *records = read(member(A + B + C))
    assert isinstance(notice, Broken)
    assert (notice.reason, notice.offset) == ("warc/not_record_compressed", 0)
    assert [(one.offset, one.length) for one in records] == [
        (0, len(A)),
        (len(A), len(B)),
        (len(A) + len(B), len(C)),
    ]


def test_from_the_first_member_with_two_records_on_members_are_one_stream() -> None:
    split = len(B) // 2
    data = member(A) + member(A + B[:split]) + member(B[split:] + C)
    assert told(data) == [BLOCKS[0], "warc/not_record_compressed", BLOCKS[0], *BLOCKS[1:]]
    assert [one.offset for one in read(data)][1:] == [len(A), len(A), 2 * len(A), 2 * len(A) + len(B)]


def test_header_lines_may_end_in_lf_alone_and_may_be_folded() -> None:
    data = b"WARC/1.0\nWARC-Type: response\nX-Note: one\n  two\nContent-Length: 2\n\nhi\n\n" + A
    first, second = read(data)
    assert isinstance(first, Record)
    assert bytes(first.content) == b"hi"
    assert first.headers["x-note"] == "one two"
    assert isinstance(second, Record)


@pytest.mark.parametrize("value", ["é".encode(), "é".encode("latin-1")])
def test_headers_may_be_utf_8_or_latin_1(value: bytes) -> None:
    (found,) = read(record("a", b"", extra=b"X-Name: " + value + b"\r\n"))
    assert isinstance(found, Record)
    assert found.headers["x-name"] == "é"


def test_a_url_in_angle_brackets_loses_them_and_an_iri_is_kept() -> None:
    (found,) = read(record("<https://例え.jp/道>", b""))
    assert isinstance(found, Record)
    assert found.url == "https://例え.jp/道"


def test_a_record_without_an_id_has_an_empty_one() -> None:
    (found,) = read(b"WARC/1.1\r\nWARC-Type: Response\r\nContent-Length: 0\r\n\r\n\r\n\r\n")
    assert isinstance(found, Record)
    assert (found.id, found.type, found.url) == ("", "response", None)


def test_an_empty_file_has_no_records() -> None:
    assert read(b"") == []
    assert read(b"\r\n\r\n") == []


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n" + bytes(500), b"x", b"filedesc://crawl.arc 0.0.0.0", b"\x1f\x8b"]
)
def test_a_file_that_is_no_warc_is_one_broken_stretch(data: bytes) -> None:
    (found,) = read(data)
    assert isinstance(found, Broken)
    assert (found.offset, found.length, found.reason) == (0, len(data), "warc/bad_header")


def test_a_gzip_member_without_a_record_costs_only_itself() -> None:
    page = member(b"<html>no record</html>")
    assert told(member(A) + page + member(B)) == [BLOCKS[0], "warc/bad_header", BLOCKS[1]]
    assert (read(member(A) + page + member(B))[1].offset, read(page)[0].length) == (len(member(A)), len(page))


@pytest.mark.parametrize(
    "lengths",
    [b"", b"Content-Length: 40 bytes\r\n", b"Content-Length: -1\r\n", b"Content-Length: 1\r\nContent-Length: 2\r\n"],
)
def test_a_missing_or_contradictory_content_length_costs_one_record(lengths: bytes) -> None:
    bad = b"WARC/1.0\r\nWARC-Type: response\r\n" + lengths + b"\r\nblock\r\n\r\n"
    assert told(A + bad + B) == [BLOCKS[0], "warc/bad_header", BLOCKS[1]]
    assert told(member(A) + member(bad) + member(B)) == [BLOCKS[0], "warc/bad_header", BLOCKS[1]]


def test_a_content_length_that_is_repeated_alike_is_accepted() -> None:
    assert told(record("a", b"block", extra=b"Content-Length: 5\r\n")) == [("a", b"block")]


@pytest.mark.parametrize("length", [10, 39, 300, 10**12])
def test_a_wrong_content_length_costs_one_record(length: int) -> None:
    bad = record("x", b"x" * 40, length=length)
    for data in (A + bad + B, member(A) + member(bad) + member(B)):
        first, broken, last = told(data)
        assert (first, last) == (BLOCKS[0], BLOCKS[1])
        assert broken in ("warc/bad_length", "warc/truncated")


def test_a_record_beyond_the_limit_is_passed_over_and_its_size_is_told() -> None:
    large = record("x", bytes(100_000))
    for data in (A + large + B, member(A) + member(large) + member(B)):
        _, broken, last = read(data, max_record_bytes=10_000)
        assert isinstance(broken, Broken)
        assert (broken.reason, broken.size_bytes) == ("warc/too_large", len(large) - 4)
        assert broken.headers["warc-target-uri"] == "x"
        assert broken.offset + (broken.length or 0) == last.offset
    notice, *rest = told(member(A + large + B), max_record_bytes=10_000)
    assert (notice, rest) == ("warc/not_record_compressed", [BLOCKS[0], "warc/too_large", BLOCKS[1]])


def test_a_bomb_is_not_held_in_memory() -> None:
    import tracemalloc

    bomb = member(record("x", bytes(100_000_000)))
    tracemalloc.start()
    reasons = told(bomb + member(A), max_record_bytes=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reasons == ["warc/too_large", BLOCKS[0]]
    assert peak < 20_000_000


def test_a_damaged_member_costs_only_its_record() -> None:
    damaged = bytearray(member(B))
    damaged[-6] ^= 1  # in the checksum
    assert told(member(A) + bytes(damaged) + member(C)) == [BLOCKS[0], "warc/bad_gzip", BLOCKS[2]]
    assert told(member(A) + b"\0" * 9 + member(C)) == [BLOCKS[0], "warc/bad_header", BLOCKS[2]]


def test_a_damaged_member_after_one_with_two_records_costs_only_itself() -> None:
    damaged = bytearray(member(C))
    damaged[-6] ^= 1
    found = told(member(A + B) + bytes(damaged) + member(A))
    assert found == ["warc/not_record_compressed", *BLOCKS[:2], "warc/bad_gzip", BLOCKS[0]]
    assert told(member(A + B) + bytes(damaged)) == ["warc/not_record_compressed", *BLOCKS[:2], "warc/bad_gzip"]


def test_a_plain_record_inside_a_page_is_no_record() -> None:
    page = b"<pre>\r\n" + A + b"</pre>"
    assert told(record("x", page) + B) == [("x", page), BLOCKS[1]]
    assert told(member(record("x", page)) + member(B)) == [("x", page), BLOCKS[1]]


class Trickle(io.RawIOBase):
    """A pipe: it cannot seek and gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.rest = data
        self.step = step

    def read(self, size: int) -> bytes:
        step = min(self.step, size)
        given, self.rest = self.rest[:step], self.rest[step:]
        return given

    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize("step", [1, 7, 100])
def test_a_stream_that_gives_few_bytes_at_a_time_is_read_alike(step: int) -> None:
    for data in (A + B + C, member(A) + member(B) + member(C), member(A + B + C), A + B[:-60] + C, b"junk" + member(A)):
        assert list(read_records(Trickle(data, step))) == read(data)  # type: ignore[arg-type]


def crawl(pages: list[bytes]) -> bytes:
    stream = io.BytesIO()
    writer = Writer(stream, file="crawl.warc.gz", date=DATE)
    for number, body in enumerate(pages):
        writer.write(f"https://example.org/{number}", body, date=DATE)
    return stream.getvalue()


CRAWL = crawl([b"<p>one</p>" * 9, b"", bytes(range(256)) * 3, "日本".encode() * 50])
PLAIN = gzip.decompress(CRAWL)


def whole(data: bytes) -> list[tuple[int, int, str, bytes]]:
    return [(one.offset, one.length, one.id, bytes(one.content)) for one in read(data) if isinstance(one, Record)]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([CRAWL, PLAIN]), st.data())
def test_a_file_cut_short_keeps_every_record_before_the_cut(data: bytes, draw: st.DataObject) -> None:
    cut = draw.draw(st.integers(0, len(data)))
    before = [one for one in whole(data) if one[0] + one[1] <= cut]
    assert whole(data[:cut])[: len(before)] == before
    assert len(read(data[:cut])) <= len(before) + 1


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([CRAWL, PLAIN]), st.data(), st.integers(1, 255))
def test_a_flipped_byte_costs_no_record_but_its_own(data: bytes, draw: st.DataObject, flip: int) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    damaged = bytearray(data)
    damaged[at] ^= flip
    untouched = [one for one in whole(data) if not one[0] <= at < one[0] + one[1]]
    found = whole(bytes(damaged))
    assert [one for one in found if one in untouched] == untouched
    assert len(found) <= len(untouched) + 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([A, member(B), C[:30], b"\x1f\x8b\x08\0", b"\r\n", b"\nWARC/1.0\r\n", b"\0" * 70]) | st.binary()
    )
)
def test_whatever_a_file_holds_reading_ends_and_its_stretches_are_in_order(parts: list[bytes]) -> None:
    found = read(b"".join(parts), max_record_bytes=500)
    offsets = [one.offset for one in found]
    assert offsets == sorted(offsets)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([member(PLAIN), CRAWL + PLAIN, PLAIN + CRAWL, member(A + B) + member(C) + CRAWL]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=9),
)
def test_however_a_file_is_damaged_reading_ends(data: bytes, flips: list[tuple[float, int]]) -> None:
    damaged = bytearray(data)
    for place, flip in flips:
        damaged[int(place * len(damaged))] ^= flip
    found = list(itertools.islice(read_records(io.BytesIO(bytes(damaged))), 100))
    assert len(found) < 30
