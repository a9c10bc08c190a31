"""Replies with faulty Markdown, or with links to nowhere: a model makes up addresses.

reply/open_fence       a block of code does not end
reply/open_emphasis    a ** has no partner in its paragraph
reply/torn_link        a link does not end, as in [text](https:
reply/ragged_table     a table's rows have other numbers of cells than its head
reply/link_to_nowhere  a link has no target, or one that only stands for others: #, example.com, "url"
reply/unknown_link     a link is none that the prompt names
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from manifests.rows import Conversation, Message
from manifests.stage import Kept, Rejected, Stage

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^`\n]*$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]{1,2000}`")
_LINK = re.compile(r"\]\(([^()\s]{0,2000}(?:\([^()\s]{0,200}\))?[^()\s]{0,2000})(?:[ \t]+\"[^\"\n]{0,200}\")?[ \t]*\)")
_TORN = re.compile(r"\[[^\[\]\n]{1,300}\]\((?:https?:|www\.)[^()\s]{0,2000}(?:\s|\Z)(?![^\n)]{0,200}\))")
_BARE = re.compile(r"https?://[^\s)>\]」）、。\"'`]+")
_NOWHERE = re.compile(
    r"(?i)(?:\#?|url|link|here|(?:https?://)?(?:[\w-]+\.)?(?:example|your-?\w+|domain|website|xxx+)(?:\.\w{2,})+(?:[/?#].*)?"
    r"|https?://(?:[^/.]*|.*\.\.\..*)/?)"
)
_RULED = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+")


@dataclass(frozen=True, slots=True)
class SoundReplies(Stage):
    """Keep conversations whose replies are all sound."""

    known_links: bool = True  # whether every link has to be one of the turns before: nobody looks whether it is there

    def __call__(self, rows: Iterable[Conversation]) -> Iterator[Kept | Rejected]:
        for row in rows:
            fault = self.fault(row.messages)
            yield Rejected(row, fault) if fault else Kept(row)

    def fault(self, messages: Sequence[Message]) -> str | None:
        """Return what is wrong with the first reply that is not sound, None where all are."""
        before = ""
        for one in messages:
            if one.role != "assistant":
                before += f"\n{one.content}"
            elif found := fault_of(one.content, before if self.known_links else None):
                return found
        return None


def fault_of(reply: str, prompt: str | None) -> str | None:
    """Return what is wrong with a reply. Links have to stand in the prompt, unless it is None."""
    if _open_fence(reply):
        return "reply/open_fence"
    text = _CODE.sub("`", _without_code(reply))
    if any(paragraph.count("**") % 2 for paragraph in re.split(r"\n[ \t]*\n", text)):
        return "reply/open_emphasis"
    if _TORN.search(text):
        return "reply/torn_link"
    if _ragged(text):
        return "reply/ragged_table"
    return _bad_link(text, prompt)


def _open_fence(text: str) -> bool:
    return bool(_opened(text)[1])


def _opened(text: str) -> tuple[list[str], str]:
    """Return the lines of a text outside of blocks of code, and the fence that is open at its end."""
    outside: list[str] = []
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if not fence and found:
            fence = found[1]
        elif not fence:
            outside.append(line)
        elif found and found[1].startswith(fence) and line.strip() == found[1]:
            fence = ""
    return outside, fence


def _without_code(text: str) -> str:
    return "\n".join(_opened(text)[0])


def _ragged(text: str) -> bool:
    lines = text.split("\n")
    for is_row, group in groupby(enumerate(lines), key=lambda line: line[1].lstrip().startswith("|")):
        rows = [line for _, line in group]
        if is_row and len(rows) > 1 and _RULED.fullmatch(rows[1]) and len({_cells(row) for row in rows}) > 1:
            return True
    return False


def _cells(row: str) -> int:
    return len(re.split(r"(?<!\\)\|", row.strip().strip("|")))


def _bad_link(text: str, prompt: str | None) -> str | None:
    targets = [*_LINK.findall(text), *_BARE.findall(text)]
    if any(_NOWHERE.fullmatch(target) for target in targets):
        return "reply/link_to_nowhere"
    if prompt is not None and any(target.rstrip(".,;:/") not in prompt for target in targets):
        return "reply/unknown_link"
    return None
