"""Which blocks of a page are its main text: boilerplate is pruned, a root is chosen, link lists are taken out.

1. An element whose tag or names speak of navigation, footers, sidebars, sharing, cookies ... goes, unless it holds so
   much of the page's prose that the name must mean something else.
2. From what is left, the walk goes down from `<body>` as long as one child holds nearly all of it. It stops where
   several children of one kind hold prose, as posts, answers and sections do. An element that names itself the body of
   the article is taken at once.
3. Inside the root, what is nearly all links goes where the page has enough prose to do without.

The thresholds were set on one half of the English pages of WCXB, by the share of pages in which a name marked what a
person had left out; the other half and the Japanese pages were only measured.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from corpus.blocks import PREFORMATTED, Block, Element
from corpus.boilerplate import (
    ADVERT,
    BODY,
    BYLINE,
    COMMENT,
    CONTENT,
    FOOTER,
    HEADER,
    HIDDEN,
    NAVIGATION,
    POPUP,
    RELATED,
    SHARE,
    SIDE,
    is_button,
)

_SENTENCE = re.compile(r"[.!?…:;,][\s\"”’]|[.!?]$|[。！？、，．]")
_FULL_STOP = re.compile("[。！？、]")
_WIDE = 2  # letters of an alphabet that a kana or kanji is worth
_FORUM_URL = re.compile(
    r"forum|thread|/t/|viewtopic|/questions/|discuss|/topic|community|/comments/|boards?\b|stackexchange|lemmy|lobste|"
    r"groups|slashdot|reddit|news\.ycombinator|chiebukuro|okwave|teratail|5ch\.net|/bbs"
)
_NEVER_ROOT_WORDS = "p li td tr th blockquote pre tbody thead ul ol dl dt dd h1 h2 h3 h4 h5 h6"
_NEVER_ROOT = frozenset(_NEVER_ROOT_WORDS.split())
_KEPT_WITH_LINKS = frozenset(["p", "td", "th", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6"])
_KEPT_WITHOUT_PROSE = _NEVER_ROOT | {"table"}

_NEVER_BUTTON = PREFORMATTED | {"td", "th"}
_PAGE = frozenset(("html", "head", "body"))
_NEVER_PRUNED = _PAGE | PREFORMATTED

_MOST = 0.5  # of the page's prose: no name outweighs that
_MUCH = 0.3
_SOME = 0.15
_PROSE_CHARS = 200  # from here on, text in something called a menu is no menu
_FOLLOWED = 0.9  # share of the weight that one child must hold for the walk to go down into it
_FOLLOWED_IN_FORUM = 0.85
_NAMED_CONTENT = 0.15  # less for <main>, <article> and what is named for content
_LEAD = 300  # weight that may stand before that child at most: else it is an introduction
_LEAD_IN_FORUM = 100  # and prose there, which is the question before its answers
_TWINS = 0.02  # share that further children of the same kind may hold at most
_SHORT_TEXT_WEIGHT = 0.3  # of text that is no prose: titles, cells, prices
_LINK_WEIGHT = 0.1  # on a page with little prose: a list of links is what it is for
_BODY_SHARE, _ARTICLE_SHARE = 0.35, 0.6  # of the weight, from which a named element is the root at once
_LINKS_SHARE = 0.8
_UNCLOSED = 0.97
_ENOUGH_PROSE = 2_000  # characters, from which on lists of links are left out
_ENOUGH_FOR_CARDS = 1_000


class _Sums:
    """Running sums over the blocks, so that what an element holds is a difference."""

    __slots__ = ("totals",)

    def __init__(self, values: Sequence[float]) -> None:
        self.totals = [0, *accumulate(values)]

    def of(self, element: Element) -> float:
        return self.totals[element.end] - self.totals[element.start]

    @property
    def all(self) -> float:
        return self.totals[-1]


def main_blocks(blocks: list[Block], elements: list[Element], url: str = "") -> list[bool]:
    """Tell for each block whether it belongs to the main text.

    `url` is the page's address: on a forum the comments are the text.
    """
    if not blocks:
        return []
    chars = _Sums([len(block.text) for block in blocks])
    links = _Sums([block.links for block in blocks])
    if links.all > _UNCLOSED * chars.all:  # a link or button that nobody closed
        blocks = [block._replace(links=0) for block in blocks]
        links = _Sums([0] * len(blocks))
    prose = [_prose(block) for block in blocks]
    all_prose = _Sums(prose)
    forum = _is_forum(elements, all_prose, url)
    keep = [True] * len(blocks)

    until = 0
    for element in elements:
        if until <= element.start < element.end and _is_boilerplate(element, chars, links, all_prose, forum=forum):
            until = element.end
            keep[element.start : until] = [False] * (until - element.start)

    link_weight = _LINK_WEIGHT if all_prose.all < _ENOUGH_FOR_CARDS else 0
    weights = _Sums(
        [
            own + _SHORT_TEXT_WEIGHT * (len(block.text) - block.links) + link_weight * block.links if kept else 0
            for block, own, kept in zip(blocks, prose, keep, strict=True)
        ]
    )
    lead = _Sums([own if kept else 0 for own, kept in zip(prose, keep, strict=True)]) if forum else weights
    root = _root(elements, weights, lead, forum=forum)
    keep[: root.start] = [False] * root.start
    keep[root.end :] = [False] * (len(keep) - root.end)
    _drop_link_lists(elements[elements.index(root) + 1 :], keep, prose, (chars, links, all_prose), root.end)
    for place in range(root.start, root.end):
        block = blocks[place]
        if keep[place] and block.element.tag not in _NEVER_BUTTON and is_button(block.text):
            keep[place] = False
    return keep


def _prose(block: Block) -> int:
    """Return the letters of a block that are sentences, 0 for titles, menus and the like."""
    text, links, element = block
    size = len(text)
    if element.tag in PREFORMATTED:
        return size
    own = size - links
    if links > 0.4 * size or own < 15:
        return 0
    if _FULL_STOP.search(text):
        return _WIDE * own
    return own if own >= 100 or (own >= 30 and _SENTENCE.search(text)) else 0


def _is_forum(elements: list[Element], prose: _Sums, url: str) -> bool:
    """Tell whether the comments of a page are its text: by its address, or because there is next to nothing else."""
    if _FORUM_URL.search(url):
        return True
    comments = until = 0.0
    for element in elements:
        if element.start >= until and element.names & COMMENT and element.tag not in _PAGE:
            comments += prose.of(element)
            until = element.end
    return comments > 0.7 * prose.all and prose.all - comments < 2_500


def _is_boilerplate(element: Element, chars: _Sums, links: _Sums, prose: _Sums, *, forum: bool) -> bool:
    tag, names = element.tag, element.names
    if tag in _NEVER_PRUNED:
        return False
    if not names and not element.hidden and tag not in {"nav", "menu", "aside", "header"}:
        return False
    size, own = chars.of(element), prose.of(element)
    share = own / prose.all if prose.all else size / chars.all
    linked = links.of(element) / size
    if names & FOOTER and share < 0.8:
        return True
    if share > _MOST:
        return False
    if tag in {"nav", "menu"} or names & (POPUP | HEADER) or (tag == "header" and not (linked < 0.15 and own > 100)):
        return True
    return _named_boilerplate(element, own, share, linked, forum=forum)


def _named_boilerplate(element: Element, own: float, share: float, linked: float, *, forum: bool) -> bool:
    names = element.names
    if element.tag in {"article", "main"}:  # "author-smith tag-rust" is how a blog's theme says which article it is
        names &= COMMENT | SIDE | HIDDEN
    return bool(
        (names & NAVIGATION and not (own > _PROSE_CHARS and linked < 0.1))
        or (element.tag == "aside" and (share < _SOME or linked > 0.15))
        or (names & (SHARE | HIDDEN | BYLINE) and share < _SOME)
        or (names & SIDE and share < _MUCH)
        or (names & (RELATED | ADVERT) and (linked > 0.15 or share < 0.02))
        or (names & COMMENT and not forum)
        or (element.hidden and (linked > 0.15 or own == 0))
    )


def _root(elements: list[Element], weights: _Sums, lead: _Sums, *, forum: bool) -> Element:
    """Return the element that holds the main text and as little else as can be."""
    root = elements[0] if forum else _named_root(elements, weights)
    children: dict[int, list[Element]] = {}
    for element in elements:
        children.setdefault(id(element.parent), []).append(element)
    while True:
        inner = children.get(id(root))
        best = max(inner, key=weights.of) if inner else None
        if best is None or best.tag in _NEVER_ROOT:
            return root
        followed = _FOLLOWED_IN_FORUM if forum else _FOLLOWED
        if best.tag == "main" or (best.tag == "article" and not forum) or best.names & CONTENT:
            followed -= _NAMED_CONTENT
        weight = weights.of(best)
        if weight == 0 or weight < followed * weights.of(root):
            return root
        before = lead.totals[best.start] - lead.totals[root.start]
        if before > (_LEAD_IN_FORUM if forum else _LEAD):
            return root
        if best.tag != "main" and inner and _twins(best, inner, weights) > _TWINS * weight:
            return root
        root = best


def _named_root(elements: list[Element], weights: _Sums) -> Element:
    """Return where to start: an element that says that it is the article and holds enough, else the page."""
    bodies = [
        element for element in elements if element.names & BODY and weights.of(element) >= _BODY_SHARE * weights.all
    ]
    articles = [
        element
        for element in elements
        if element.tag in {"article", "main"} and weights.of(element) >= _ARTICLE_SHARE * weights.all
    ]
    found = [element for element in bodies or articles if element.tag not in _PAGE and weights.of(element)]
    return max(found, key=weights.of) if found else elements[0]


def _twins(best: Element, children: list[Element], weights: _Sums) -> float:
    kind = _kind(best)
    return sum([weights.of(child) for child in children if child is not best and _kind(child) == kind])


def _kind(element: Element) -> tuple[str, str]:
    names = (element.node.get("class") or "").split(maxsplit=1) if element.node is not None else []
    return element.tag, names[0] if names else ""


def _drop_link_lists(
    elements: list[Element], keep: list[bool], prose: list[int], sums: tuple[_Sums, _Sums, _Sums], end: int
) -> None:
    """Drop what is nearly all links, and groups of cards without a sentence, from a text that has enough without."""
    chars, links, all_prose = sums
    enough = sum([own for own, kept in zip(prose, keep, strict=True) if kept])
    if enough <= _ENOUGH_FOR_CARDS:
        return
    until = 0
    for element in elements:
        if element.start >= end:
            return
        if element.start < until or element.start == element.end or element.tag in _KEPT_WITH_LINKS:
            continue
        linked, size = links.of(element), chars.of(element)
        cards = (
            element.tag not in _KEPT_WITHOUT_PROSE
            and element.end - element.start >= 4
            and linked > 0.3 * size
            and all_prose.of(element) == 0
        )
        if cards or (enough > _ENOUGH_PROSE and linked > max(20, _LINKS_SHARE * size)):
            until = element.end
            keep[element.start : until] = [False] * (until - element.start)
