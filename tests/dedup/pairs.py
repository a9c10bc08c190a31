"""What becomes of pairs of near texts: on their way to an exact comparison, and in the end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import links
from dedup.columns import matrix
from dedup.minhash import MinHashDedup
from dedup.signatures import Signatures
from tests.dedup import oracle
from tests.dedup.memory import drops, view
from tests.dedup.oracle import Pair

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """A selection beside the exact comparison of all pairs."""

    pairs: int  # that are near
    proposed: float  # share of them that is let through to an exact comparison
    apart: float  # share of them of which not both rows stay
    gone: int  # rows
    wrong: int  # rows that went for one that is not near, that does not stay, or with another similarity than theirs


def judged(texts: Sequence[str], asked: MinHashDedup) -> Judged:
    """Hold what a selection does with texts against the oracle."""
    pairs = oracle.near_pairs(texts, asked.threshold, asked.ngram)
    named = drops(asked, {str(place): text for place, text in enumerate(texts)})
    gone = {int(row): (int(twin), value) for row, (twin, value) in named.items()}
    wrong = [
        row
        for row, (twin, value) in gone.items()
        if twin in gone or not value == oracle.jaccard(texts[row], texts[twin]) >= asked.threshold
    ]
    return Judged(
        pairs=len(pairs),
        proposed=float(proposed(texts, list(pairs), asked).mean()),
        apart=float(np.mean([one in gone or other in gone for one, other in pairs])),
        gone=len(gone),
        wrong=len(wrong),
    )


def distinct(texts: Iterable[str]) -> list[str]:
    """Return one text for each sequence of letters: pairs of equal ones would hide the others by their number."""
    return list({oracle.letters(text): text for text in texts}.values())


def banded(texts: Sequence[str], pairs: Sequence[Pair], asked: MinHashDedup) -> Flags:
    """Tell for each pair whether it shares a band."""
    one, other = _signatures(texts, pairs, asked)
    used = asked.bands * asked.rows
    found: Flags = (one == other)[:, :used].reshape(-1, asked.bands, asked.rows).all(2).any(1)
    return found


def proposed(texts: Sequence[str], pairs: Sequence[Pair], asked: MinHashDedup) -> Flags:
    """Tell for each pair whether it shares a band, and the codes of its signatures are close enough to be compared."""
    one, other = _signatures(texts, pairs, asked)
    low = np.uint32(2**links.BITS - 1)
    close = ((one & low) != (other & low)).sum(1) <= links.most_differences(asked.threshold, asked.permutations)
    found: Flags = banded(texts, pairs, asked) & close
    return found


def _signatures(texts: Sequence[str], pairs: Sequence[Pair], asked: MinHashDedup) -> list[NDArray[Any]]:
    table = view({str(place): text for place, text in enumerate(texts)}).slices[0].rows
    signatures = matrix(Signatures(asked.ngram, asked.permutations)(table).column("signature"), "<u4")
    return [signatures[[pair[side] for pair in pairs]] for side in (0, 1)]
