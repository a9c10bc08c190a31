"""What becomes of given pairs of texts on their way to an exact comparison."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup import links
from dedup.columns import matrix
from dedup.minhash import MinHashDedup
from dedup.signatures import Signatures
from tests.dedup.memory import view
from tests.dedup.oracle import Pair

Flags = NDArray[np.bool_]


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
