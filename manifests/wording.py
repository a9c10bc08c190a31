"""Rules and values in words, for a person who wants to know why."""

from manifests.stage import Rule
from manifests.terminal import safe

_FILE_CELLS = 160  # CommonCrawl's names have 140
_ASKED = {
    ">=": ("at least", "asked for"),
    ">": ("more than", "asked for"),
    "<=": ("at most", "allowed"),
    "<": ("less than", "allowed"),
}


def judged(rule: Rule, value: float) -> str:
    """Return "gopher/few_words: 31 words, at least 50 are asked for"."""
    name = rule.measure.rpartition("/")[2].replace("_", " ")
    more, asked = _ASKED[rule.keep]
    shown, threshold = number(value), number(rule.threshold)
    if shown == threshold and value != rule.threshold:
        shown, threshold = repr(value), repr(rule.threshold)
    if name.endswith("s") and value.is_integer():
        return f"{rule.reason}: {shown} {name}, {more} {threshold} are {asked}"
    return f"{rule.reason}: {name} {shown}, {more} {threshold} is {asked}"


def number(value: float) -> str:
    """Return a number as people write it: "31", "1,600", "0.8333"."""
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def position(file: str, offset: int) -> str:
    """Return "crawl.warc.gz, offset 1,024": where something was read. Files are named by whoever made the crawl."""
    return f"{safe(file, _FILE_CELLS)}, offset {offset:,}"


def count(things: int, name: str) -> str:
    """Return "1 row" or "1,600 rows"."""
    return f"{things:,} {name}{'' if things == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Return bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.3g} TB"
