"""What changed between two recipes, in words."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from manifests import canonical


def recipe_changes(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[str]:
    """Return one line for each step that was added, removed or changed; takes what `describe()` returned."""
    old_names, new_names = [[str(step["stage"]) for step in steps] for steps in (old, new)]
    lines = []
    for what, i, i_end, j, j_end in SequenceMatcher(None, old_names, new_names, autojunk=False).get_opcodes():
        if what == "equal":
            for before, after in zip(old[i:i_end], new[j:j_end], strict=True):
                lines += [f"{after['stage']} changed: {change}" for change in step_changes(before, after)]
        else:
            lines += [f"{step['stage']} removed" for step in old[i:i_end]]
            lines += [f"{step['stage']} added" for step in new[j:j_end]]
    return lines


def step_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return one phrase for each literal that differs between two versions of a step."""
    if canonical.encode(old) == canonical.encode(new):
        return []
    flat_old, flat_new = dict(_flat(old)), dict(_flat(new))
    names = [name for name in flat_old | flat_new if flat_old.get(name) != flat_new.get(name)]
    return [f"{name} {_shown(flat_old, name)} → {_shown(flat_new, name)}" for name in names]


def _flat(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        inner = [(key, item) for key, item in value.items() if key != "stage" or not name]
        return [
            pair
            for key, item in inner
            for pair in _flat(item, name if key == "fields" else f"{name}.{key}".lstrip("."))
        ]
    if hasattr(value, "describe"):
        return _flat(value.describe(), name)
    return [(name, value)]


def _shown(flat: dict[str, Any], name: str) -> str:
    return f"{flat[name]!r:.60}" if name in flat else "(nothing)"
