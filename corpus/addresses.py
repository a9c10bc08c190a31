"""The addresses on a page, often relative to it: outside the page only absolute ones lead somewhere."""

from urllib.parse import urljoin

from lxml.etree import _Element as Node

_ATTRIBUTES = {"a": "href", "img": "src"}
_WEB = ("http://", "https://")


def make_absolute(tree: Node, url: str) -> None:
    """Let links and images of a page name their whole address, by its `<base>` or else its own.

    What leads to a place on the same page stays as it is, and so does all on a page that is not from the web.
    """
    base = url
    for node in tree.iter("base"):
        if href := node.get("href"):
            base = _joined(url, href)
            break
    if not base.startswith(_WEB):
        return
    for node in tree.iter(*_ATTRIBUTES):
        name = _ATTRIBUTES[node.tag]
        target = (node.get(name) or "").strip()
        if target and not target.startswith("#"):
            node.set(name, _joined(base, target))


def _joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target)
    except ValueError:  # "http://[": what is no address stays what it is
        return target
