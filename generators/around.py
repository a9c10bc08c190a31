"""A step that asks a model, and does something more with the rows around it."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from generators.generate import Generate
from generators.purse import Purse
from manifests.stage import Stage, describe
from manifests.store import Store
from manifests.used import Used


@dataclass(frozen=True, slots=True)
class Around(Stage):
    """What such steps share: they are resolved, paid for and told of as the `Generate` in them."""

    dear: ClassVar[bool] = True

    generate: Generate
    purse: Purse | None = None  # no part of the identity

    def resolve(self, store: Store) -> Self:
        return replace(self, generate=self.generate.resolve(store))

    def within(self, store: Store) -> Self:
        inner = self.generate.within(store)
        return replace(self, generate=replace(inner, purse=self.purse or inner.purse))

    def used(self) -> Used:
        return self.generate.used()

    def describe(self) -> dict[str, Any]:
        told = describe(self)
        return {**told, "fields": {name: value for name, value in told["fields"].items() if name != "purse"}}
