"""Why a row was kept or dropped: every step it came to, every value against its threshold, and one sentence.

    story = why(store, row_id, manifest)
    sentence(story)     # "dropped by GopherQuality: gopher/few_words: 31 words, at least 50 are asked for"

Only the ledger is read, and of a row that is still there its shard.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from manifests.history import Decision, Stay, known_stays
from manifests.ledger import ALTERED
from manifests.lineage import ChainStep, chain_steps, recipe_chain
from manifests.lookup import place, row_at
from manifests.manifest import Manifest
from manifests.siblings import candidate, candidates
from manifests.stage import Rule
from manifests.store import Store
from manifests.story import Check, Outcome, Parent, StepStory, Story, Twin, sentence
from manifests.texts import changes, readable, texts

_EXCERPT_CHARS = 120
_CHANGED_LINES = 6
_PARENTS = 4  # whose stories are told
_GENERATIONS = 16


def why(store: Store, row_id: bytes, manifest: Manifest) -> Story:
    """Return what each step of the recipe behind `manifest` did to a row. Raises NotFound."""
    chain = recipe_chain(store, manifest)
    stays = known_stays(store, chain, row_id)
    told = []
    for one, numbers in candidates(store, chain, stays).items():
        own = known_stays(store, chain, one)
        told.append(candidate(own, numbers, tell(store, chain, own, generations=0)))
    return replace(tell(store, chain, stays), candidates=tuple(told))


def tell(store: Store, chain: Sequence[Manifest], stays: Sequence[Stay], generations: int = _GENERATIONS) -> Story:
    """Return the story of a row whose stays are known; `generations` of its parents are told in a sentence each."""
    steps = tuple(_steps(store, chain, stays))
    line = next((stay.line for stay in reversed(stays) if stay.line), {})
    url = next((stay.url for stay in reversed(stays) if stay.after), None)
    parents = stays[0].parents[:_PARENTS] if generations else ()
    return Story(
        row_id=stays[0].row_id,
        manifest=chain[-1].id,
        kept=stays[-1].after is not None and stays[-1].ordinal == len(chain) - 1,
        steps=steps,
        url=url,
        domain=line.get("domain"),
        language=line.get("language"),
        chars=line.get("chars"),
        made_by=steps[0].title if stays[0].parents else None,
        parents=tuple([Parent(parent, sentence(_story(store, chain, parent, generations - 1))) for parent in parents]),
        children=stays[-1].children if stays[-1].left_at else (),
        repeated=sum(stay.repeated for stay in stays),
    )


def _story(store: Store, chain: Sequence[Manifest], row_id: bytes, generations: int) -> Story:
    return tell(store, chain, known_stays(store, chain, row_id), generations)


def _steps(store: Store, chain: Sequence[Manifest], stays: Sequence[Stay]) -> Iterator[StepStory]:
    changed = _changes(chain, stays)
    here = {stay.ordinal: stay for stay in stays}
    for step in chain_steps(chain):
        stay = here.get(step.part)
        if stay is None or not _came_to(stay, step):
            continue
        told = _told(store, chain, stay, step, changed)
        yield told
        if told.outcome in {"dropped", "left"}:
            return


def _came_to(stay: Stay, step: ChainStep) -> bool:
    """Tell whether the row came to a step, and the step is worth a line: the input of a later part is not."""
    if step.step == 0:
        return not stay.made_at and (step.part == 0 or bool(stay.dropped and stay.dropped.step == 0))
    return step.step >= (stay.made_at or 0)


def _told(
    store: Store, chain: Sequence[Manifest], stay: Stay, step: ChainStep, changed: Mapping[tuple[int, int], Any]
) -> StepStory:
    outcome: Outcome = "kept"
    dropped = stay.dropped if stay.dropped and stay.dropped.step == step.step else None
    altered = next((one for one in stay.decisions if one.action == ALTERED and one.step == step.step), None)
    if dropped:
        outcome = "dropped"
    elif stay.left_at == step.step:
        outcome = "left"
    elif stay.made_at == step.step and step.step:
        outcome = "made"
    elif altered:
        outcome = "altered"
    return StepStory(
        number=step.number,
        title=step.title,
        manifest=chain[step.part].id,
        outcome=outcome,
        checks=_checks(stay, step),
        measured=_measured(stay, step),
        decision=dropped,
        cut=altered if altered and altered.value is not None else None,
        twin=_twin(store, chain, step.part, dropped or altered),
        changes=changed.get((step.part, step.step), ()),
    )


def _checks(stay: Stay, step: ChainStep) -> tuple[Check, ...]:
    """Return the rules of a step with their values; none where it measured nothing, as `Only` on other languages."""
    values = stay.values(step.step)
    rules = [Rule(**rule) for rule in step.record.rules]
    return tuple([Check(rule, values.get(rule.measure)) for rule in rules]) if values else ()


def _measured(stay: Stay, step: ChainStep) -> dict[str, float]:
    ruled = {str(rule["measure"]) for rule in step.record.rules}
    return {name: value for name, value in stay.values(step.step).items() if name not in ruled}


def _twin(store: Store, chain: Sequence[Manifest], ordinal: int, decision: Decision | None) -> Twin | None:
    if decision is None or decision.twin is None:
        return None
    where = place(store, chain[ordinal], decision.twin)
    row = row_at(store, chain[ordinal], where) if where else None
    excerpt = readable(row.payload(), row.kind)[:_EXCERPT_CHARS] if row else ""
    kept = place(store, chain[-1], decision.twin) is not None
    return Twin(decision.twin, row.url if row else None, excerpt, kept)


def _changes(chain: Sequence[Manifest], stays: Sequence[Stay]) -> dict[tuple[int, int], tuple[str, ...]]:
    """Return the first changed lines for each (part, step) that altered the row, where the text before is known."""
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    if any(one.action == ALTERED for stay in stays for one in stay.decisions):
        before: str | None = None
        for ordinal, step, text in texts(chain, stays):
            if before is not None:
                lines = (line for line in changes(before, text, context=0) if not line.startswith("@@"))
                found[ordinal, step] = tuple(islice(lines, _CHANGED_LINES))
            before = text
    return found
