"""HTML to a tree, whatever the HTML: unclosed, nested a hundred thousand deep, with NULs, without a body.

libxml2 parses in linear time and never raises for bad markup; what it does to some of it is mended here.
"""

import re

from lxml.etree import HTMLParser, XMLSyntaxError, fromstring
from lxml.etree import _Element as Node

_CONTROLS = bytes([*range(9), 11, *range(14, 32), 127])  # libxml2 makes a U+FFFD of each
_SELF_CLOSED = re.compile(rb"(<html\b[^<>]*?)/\s*>", re.IGNORECASE)
_TABLE_IN_PRE = re.compile(rb"(<pre\b[^<>]{0,500}>\s*)(?=<table\b)", re.IGNORECASE)
_HEAD_BYTES = 1024


def parse(html: str) -> Node | None:
    """Return the tree of a page, None where there is nothing in it. Comments are left out."""
    parser = HTMLParser(
        encoding="utf-8",
        collect_ids=False,
        default_doctype=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=True,  # else what is nested deeper than 256 elements is lost, and with it the rest of the page
    )
    data = html.encode("utf-8", "ignore").translate(None, _CONTROLS)
    if b"<pre" in data:
        data = _TABLE_IN_PRE.sub(rb"\1<code>", data)  # libxml2 ends a <pre> at <table>, but not inside <code>
    head = _SELF_CLOSED.sub(rb"\1>", data[:_HEAD_BYTES], count=1)  # libxml2 ends the page at <html/>
    try:
        return fromstring(head + data[_HEAD_BYTES:], parser=parser)
    except XMLSyntaxError:
        return None
