"""What changed between two recipes, in words."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from manifests import canonical

_SHOWN = 60  # characters of a literal
_BEFORE = 20  # of them before the place where two long literals begin to differ


def recipe_changes(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[str]:
    """Return one line for each step that was added, moved or removed, and for each literal that changed.

    Takes what `describe()` returned for each step.
    """
    lines = []
    matched = _matching([_title(step) for step in old], [_title(step) for step in new])
    left = [step for place, step in enumerate(old) if place not in matched.values()]
    for place, after in enumerate(new):
        before = old[matched[place]] if place in matched else None
        if before is None:
            before = next((step for step in left if _title(step) == _title(after)), None)
            lines.append(f"{_title(after)} {'moved' if before else 'added'}")
            left = [step for step in left if step is not before]
        if before is not None:
            lines += [
                f"{_title(after)} changed: {change.removeprefix('stage.')}" for change in step_changes(before, after)
            ]
    return lines + [f"{_title(step)} removed" for step in left]


def step_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return one phrase for each literal that differs between two versions of a step."""
    if canonical.encode(old) == canonical.encode(new):
        return []
    before, after = dict(_flat(old)), dict(_flat(new))
    names = [name for name in before | after if name not in before or before[name] != after.get(name, before)]
    return [f"{name} {_pair(before, after, name)}" for name in names]


def rule_changes(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one line for each reason whose threshold changed, or that can be given in one version only.

    Takes the rules as a manifest's steps hold them: reason, measure, keep, threshold.
    """
    before, after = _conditions(old), _conditions(new)
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return [f"{name}: {before.get(name, 'no rule')} → {after.get(name, 'no rule')}" for name in names]


def _title(step: Mapping[str, Any]) -> str:
    """Return what a step does: of a stage for one language, the stage and the language."""
    fields = step.get("fields", {})
    inner = fields.get("stage")
    return f"{_title(inner)} ({fields.get('language')})" if isinstance(inner, dict) else str(step["stage"])


def _matching(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Return for each place in `new` that did not move the place in `old`."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return {block.b + n: block.a + n for block in blocks for n in range(block.size)}


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if hasattr(value, "describe"):
        value = value.describe()
    if not isinstance(value, dict):
        return [(name, value)]
    return [pair for key, item in value.items() for pair in _flat(item, _inner(name, key))]


def _inner(name: str, key: str) -> str:
    """Return the name of an item: fields stand directly below their step, and so does the name of a step in a step."""
    return name if key == "fields" or (key == "stage" and name) else f"{name}.{key}".lstrip(".")


def _pair(old: dict[str, Any], new: dict[str, Any], name: str) -> str:
    texts = [repr(side[name]) if name in side else "(nothing)" for side in (old, new)]
    equal = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    start = max(0, equal - _BEFORE) if max(map(len, texts)) > _SHOWN else 0
    return " → ".join(_window(text, start) for text in texts)


def _window(text: str, start: int) -> str:
    shown = text[start : start + _SHOWN]
    return f"{'…' if start else ''}{shown}{'…' if start + _SHOWN < len(text) else ''}"


def _conditions(rules: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for rule in rules:
        found.setdefault(rule["reason"], []).append(f"{rule['measure']} {rule['keep']} {rule['threshold']:g}")
    return {reason: ", ".join(conditions) for reason, conditions in found.items()}
