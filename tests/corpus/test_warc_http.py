import gzip
import zlib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.http_body import Body, Response, Unreadable, decode_body, parse_response

PAGE = b"<html><p>" + b"a page of text, " * 60 + bytes(range(256)) + b"</p></html>"


def parse(block: bytes) -> Response | Unreadable:
    return parse_response(block, 0, len(block))


def decode(stored: bytes, coding: str, transfer: str = "", limit: int = 1_000_000) -> Body | Unreadable:
    return decode_body(stored, {"content-encoding": coding, "transfer-encoding": transfer}, limit)


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def chunked(data: bytes, size: int = 100) -> bytes:
    cuts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x;note\r\n%b\r\n" % (len(cut), cut) for cut in cuts) + b"0\r\n\r\n"


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: pa.compress(data, codec="brotli", asbytes=True),
    "zstd": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def test_a_response_has_status_headers_and_the_place_of_its_body() -> None:
    block = b"HTTP/1.1 404 Not Found\r\nContent-Type: Text/HTML\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody"
    headers = {"content-type": "Text/HTML", "x-a": "1, 2"}
    assert parse(block) == Response(404, headers, block.index(b"body"))


def test_of_two_content_types_the_last_one_counts() -> None:
    found = parse(b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: text/html\r\n\r\n")
    assert isinstance(found, Response)
    assert found.headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/2 200 ", b"HTTP 200 OK", b"HTTP/1.1  200 \xe9"]
)
def test_status_lines_of_all_servers_are_understood(line: bytes) -> None:
    assert parse(line + b"\r\nA: b\r\n\r\nbody") == Response(200, {"a": "b"}, len(line) + 10)


@pytest.mark.parametrize(
    "block", [b"", b"garbage\r\n\r\nbody", b"HTTP/1.1 two hundred\r\n\r\n", b"HTTP/1.1 2000 x\r\n\r\n", b"\0\1\2"]
)
def test_a_garbage_status_line_is_unreadable(block: bytes) -> None:
    assert parse(block) == Unreadable("http/bad_status")


def test_a_page_without_any_head_is_a_body() -> None:
    assert parse(b"\n<html>1991</html>") == Response(200, {}, 0)


def test_headers_end_at_the_first_blank_line_whatever_its_line_ends() -> None:
    assert parse(b"HTTP/1.0 200 OK\nA: b\n\none\r\n\r\ntwo") == Response(200, {"a": "b"}, 22)


def test_a_head_without_a_body_may_lack_its_blank_line() -> None:
    block = b"HTTP/1.1 301 Moved\r\nLocation: /x"
    assert parse(block) == Response(301, {"location": "/x"}, len(block))


def test_an_endless_head_is_unreadable() -> None:
    found = parse(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000)
    assert isinstance(found, Unreadable)
    assert found.reason == "http/bad_header"


def test_an_interim_response_is_passed_over() -> None:
    found = parse(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody")
    assert found == Response(200, {"a": "b"}, 50)


@pytest.mark.parametrize("coding", ENCODERS)
def test_every_encoding_is_undone(coding: str) -> None:
    assert decode(ENCODERS[coding](PAGE), coding.upper()) == Body(PAGE, True)


def test_deflate_may_lack_its_zlib_header() -> None:
    assert decode(raw_deflate(PAGE), "deflate") == Body(PAGE, True)


def test_encodings_that_are_stacked_are_undone_in_reverse() -> None:
    stored = chunked(gzip.compress(zlib.compress(PAGE)))
    assert decode(stored, "deflate, gzip", "chunked") == Body(PAGE, True)
    assert decode(chunked(gzip.compress(PAGE)), "", "gzip, chunked") == Body(PAGE, True)


def test_gzip_members_one_after_the_other_are_one_body() -> None:
    assert decode(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0", "gzip") == Body(b"one two", True)


@pytest.mark.parametrize("coding", [*ENCODERS, "deflate", "compress", "utf-8", "identity", "none", ""])
def test_a_body_that_is_not_encoded_as_it_says_is_used_as_it_is(coding: str) -> None:
    assert decode(b"<html>plain</html>", coding, "chunked") == Body(b"<html>plain</html>", True)


def test_a_first_line_of_hex_does_not_make_a_body_chunked() -> None:
    body = b"5\r\nfive lines of text\r\n"
    assert decode(body, "", "chunked") == Body(body, True)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_bytes_that_are_neither_encoded_nor_text_are_refused(coding: str) -> None:
    assert decode(b"\xff\x00\xfe\x01" * 100, coding) == Unreadable("http/bad_encoding")


def test_an_unknown_encoding_is_refused() -> None:
    assert decode(b"\x00\x01\x02", "sdch") == Unreadable("http/unknown_encoding")
    assert decode(b"\x00", ", ".join(["gzip"] * 9)) == Unreadable("http/unknown_encoding", 9, 8)


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_body_cut_short_is_used_as_far_as_it_goes(coding: str) -> None:
    text = b"".join(b"line %d of a page\n" % (number * number) for number in range(50_000))
    stored = ENCODERS[coding](text)
    found = decode(stored[: len(stored) // 2], coding)
    assert isinstance(found, Body)
    assert not found.complete
    assert text.startswith(found.content)
    assert len(found.content) > len(text) // 4


def test_a_body_damaged_half_way_is_used_as_far_as_it_goes() -> None:
    text = b"".join(b"line %d\n" % (number * number) for number in range(500))
    stored = bytearray(gzip.compress(text))
    stored[-8] ^= 1  # the checksum
    found = decode(bytes(stored), "gzip")
    assert isinstance(found, Body)
    assert not found.complete
    assert text.startswith(found.content)
    assert len(found.content) > 0.9 * len(text)


def test_chunks_cut_short_are_used_as_far_as_they_go() -> None:
    assert decode(chunked(PAGE)[:-7], "", "chunked") == Body(PAGE, False)
    assert decode(b"3\r\nabc\r\n9\r\nde", "", "chunked") == Body(b"abcde", False)


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_bomb_stops_at_the_limit(coding: str) -> None:
    stored = ENCODERS[coding](bytes(30_000_000))
    assert decode(stored, coding, limit=1_000_000) == Unreadable("http/too_large", 1_000_001, 1_000_000)


def test_a_bomb_of_empty_gzip_members_ends() -> None:
    found = decode(gzip.compress(b"") * 100_000, "gzip")
    assert isinstance(found, Body)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600), st.lists(st.sampled_from([*ENCODERS, "chunked", "x"]), max_size=3))
def test_no_body_raises_whatever_its_encodings(stored: bytes, codings: list[str]) -> None:
    decode(stored, ",".join(codings), limit=300)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2_000), st.lists(st.sampled_from(list(ENCODERS)), max_size=3), st.integers(1, 500))
def test_what_is_encoded_is_decoded(body: bytes, codings: list[str], size: int) -> None:
    stored = body
    for coding in codings:
        stored = ENCODERS[coding](stored)
    assert decode(chunked(stored, size), ",".join(codings), "chunked") == Body(body, True)
