"""Which texts are held out together: sites are dealt to folds by a hash of their names, never row by row."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from manifests.errors import BadRecipe


def folds_of(sites: Sequence[str], labels: Sequence[str], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each text: all texts of a site in one, and sites of each label dealt to all.

    A site counts for its commonest label. Raises BadRecipe where there are too few sites.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for site, label in zip(sites, labels, strict=True):
        found[site][label] += 1
    if len(found) < folds:
        largest = Counter(sites).most_common(1)[0]
        raise BadRecipe(
            f"the texts are from {len(found)} sites, and {folds} folds need as many; most are from {largest[0]!r:.80}: "
            f"`--apart {largest[0]:.80}` makes each of its pages a site of its own, or lower `--folds`"
        )

    def order(site: str) -> tuple[str, bytes]:
        counts = found[site]
        commonest = min(counts, key=lambda label: (-counts[label], label))
        return commonest, hashlib.sha256(f"{seed}/{site}".encode("utf-8", "replace")).digest()

    dealt = {site: place % folds for place, site in enumerate(sorted(found, key=order))}
    return np.array([dealt[site] for site in sites], np.int64)
