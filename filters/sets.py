"""Sets of rules under the names that people know them by.

    named("swallow-v2")                   the stages of one set
    named("gopher+c4+fineweb")            several, one after the other

Thresholds are those of the papers. What a paper does besides, its lists, its classifiers, its deduplication, is left
out: a set can be compared with another on any documents.
"""

from collections.abc import Callable, Mapping

from filters.c4 import C4Quality
from filters.fineweb import FineWebQuality
from filters.fineweb2 import FineWeb2Japanese
from filters.gopher import GopherQuality, GopherRepetition
from filters.hojichar import HojiChar
from filters.swallow import SwallowV1, SwallowV2
from manifests.errors import BadRecipe
from manifests.stage import Stage

SETS: Mapping[str, Callable[[], tuple[Stage, ...]]] = {
    "gopher": lambda: (GopherRepetition(), GopherQuality()),  # Rae et al. 2021; English
    "c4": lambda: (C4Quality(),),  # Raffel et al. 2020; English
    "fineweb": lambda: (FineWebQuality(),),  # Penedo et al. 2024, what it added; English
    "fineweb-1": lambda: (  # all rules of its pipeline, in its order
        GopherRepetition(),
        GopherQuality(),
        C4Quality(end_marks=()),
        FineWebQuality(),
    ),
    "swallow-v1": lambda: (SwallowV1(),),  # Okazaki et al. 2024; Japanese
    "swallow-v2": lambda: (SwallowV2(),),  # Hattori et al. 2025; Japanese
    "hojichar": lambda: (HojiChar(),),  # Japanese
    "fineweb-2-ja": lambda: (FineWeb2Japanese(),),  # Penedo et al. 2025; Japanese
}


def named(name: str) -> tuple[Stage, ...]:
    """Return the stages of a set, or of several joined by "+". Raises BadRecipe for a name that is none."""
    stages: tuple[Stage, ...] = ()
    for part in name.split("+"):
        if part not in SETS:
            raise BadRecipe(f"{part!r} is no set of rules; there are {', '.join(SETS)}, and several joined by '+'")
        stages += SETS[part]()
    return stages
