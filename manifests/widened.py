"""One option more for a recipe, such as those that many programs share; and one change to all of its steps."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from manifests.stage import Only, Recipe, Step


def widened(
    recipe: Callable[..., Recipe], name: str, kind: Any, default: Any, change: Callable[[Recipe, Any], Recipe]
) -> Callable[..., Recipe]:
    """Return a recipe with one more parameter, of an annotated kind, by which what was made is changed.

    At its default nothing is. A recipe that has the parameter itself knows better, and is returned as it is.
    """
    signature = inspect.signature(recipe)
    if name in signature.parameters:
        return recipe

    @wraps(recipe)
    def wider(**given: Any) -> Recipe:
        value = given.pop(name, default)
        made = recipe(**given)
        return made if value == default else change(made, value)

    more = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
    wider.__signature__ = signature.replace(parameters=[*signature.parameters.values(), more])  # type: ignore[attr-defined]
    wider.__annotations__ = {**recipe.__annotations__, name: kind}
    return wider


def each(recipe: Recipe, change: Callable[[Any], Any]) -> Recipe:
    """Return a recipe whose steps are changed, and the stages inside of `Only`."""

    def changed(step: Step) -> Any:
        return replace(step, stage=changed(step.stage)) if isinstance(step, Only) else change(step)

    return replace(recipe, steps=tuple(changed(step) for step in recipe.steps))
