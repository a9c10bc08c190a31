"""What wrote the rows of a part of a recipe, beside the recipe itself: models and prompts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain


@dataclass(frozen=True, slots=True)
class Used:
    """Models and prompts under the names that people know them by, for the manifest of their part."""

    models: Mapping[str, str] = field(default_factory=dict)  # ref or name: id of its manifest; of none, another digest
    prompts: Mapping[str, str] = field(default_factory=dict)  # task and field: SHA-256 of the text


def together(parts: Iterable[Used]) -> Used:
    """Return what several steps used, in the order of the names."""
    found = list(parts)
    return Used(
        dict(sorted(chain.from_iterable([one.models.items() for one in found]))),
        dict(sorted(chain.from_iterable([one.prompts.items() for one in found]))),
    )
