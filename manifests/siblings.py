"""The candidates that a model wrote of one text, and what became of each."""

from collections.abc import Iterator, Sequence

from manifests import canonical
from manifests.history import Stay, follow
from manifests.manifest import Manifest
from manifests.rows import ID_BYTES, derived_id
from manifests.store import Store
from manifests.story import Candidate, Story, verdict
from manifests.texts import readable

MOST = 64  # candidates of one text; with more, a row's children are parts of it, and told of one by one
PARTS = 1_024  # of a row, whose candidates can be told apart
_EXCERPT_CHARS = 120

Numbers = tuple[int, int]  # a part of the original, and the candidate


def candidates(store: Store, chain: Sequence[Manifest], stays: Sequence[Stay]) -> dict[bytes, Numbers]:
    """Return the candidates that a row is one of, or those that were made of it; none where there is one at most."""
    stay, parents = stays[0], stays[0].parents
    if parents:
        original = next(iter(follow(store, chain[stays[0].ordinal :], parents[0])), None)
        made = set(original.children) if original and len(parents) == 1 else set()
        own = _numbered(stay.part, parents, {stay.row_id} & made).get(stay.row_id)
        found = _numbered(stay.part, parents, made, part=own[0]) if own else {}
    else:
        stay = stays[-1]
        made = set(stay.children) if stay.left_at is not None else set()
        found = _numbered(stay.part, (stay.row_id,), made) if len(made) <= MOST else {}
    return found if len(found) > 1 else {}


def candidate(stays: Sequence[Stay], numbers: Numbers, story: Story) -> Candidate:
    """Return what became of a candidate: in a sentence, and as its scores when it was last stored."""
    row = next((stay.row for stay in reversed(stays) if stay.row), None)
    dropped = next((stay.dropped for stay in stays if stay.dropped), None)
    return Candidate(
        id=stays[0].row_id,
        part=numbers[0],
        number=numbers[1],
        reason=dropped.reason if dropped else None,
        sentence=verdict(story),
        scores=dict(sorted(row.scores.items())) if row else {},
        excerpt=readable(row.payload(), row.kind)[:_EXCERPT_CHARS] if row else "",
        measured=story.steps[-1].measured,
    )


def _numbered(
    made_in: Manifest, parents: tuple[bytes, ...], wanted: set[bytes], part: int | None = None
) -> dict[bytes, Numbers]:
    """Return part and candidate of those `wanted` rows whose ids a step of a manifest made of them, in that order."""
    prints = [canonical.digest(record.describe).encode() for record in made_in.steps[1:]]
    found: dict[bytes, Numbers] = {}
    for numbers in _all_numbers(part):
        if len(found) == len(wanted):
            break
        inner = derived_id(parents, "", *numbers)
        for fingerprint in prints:
            made = canonical.digest_parts(b"step", fingerprint, inner)[:ID_BYTES]
            if made in wanted:
                found[made] = numbers
    return found


def _all_numbers(part: int | None) -> Iterator[Numbers]:
    for place in range(PARTS) if part is None else (part,):
        for number in range(MOST):
            yield place, number
