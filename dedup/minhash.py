"""Near-duplicates by MinHash, as PLaMo 2 removes them from chats (section 3.2.2, after SlimPajama-DC), but verified.

Two texts are near-duplicates when the Jaccard similarity of their sets of 13-character grams is at least 0.8.
Signatures only propose pairs; each drop rests on the texts themselves, compared with the row that stays.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from dedup.others import others
from dedup.rank import Keep, Priority
from manifests.errors import BadRecipe
from manifests.stage import Map, Rule, Selected, Selection, below, describe
from manifests.view import View

if TYPE_CHECKING:
    from manifests.store import Store

Search: TypeAlias = Literal["bands", "faiss"]
SEARCHES = ("bands", "faiss")
LOW_CHANCE = 0.9  # of finding a pair at the threshold: a lower one is worth a warning
NOTED = (0.6, 0.7, 0.8, 0.9)  # similarities whose chance a run states
NO_CHANCE = 0.01  # bands and rows the wrong way round, most likely


@dataclass(frozen=True, slots=True)
class MinHashDedup(Selection):
    """Of documents that are nearly the same, keep one at random; drop the others as `minhash/near_duplicate`.

    In an order of chance, each row that is still there stays and drops all that are near it. That is a connected
    component with one survivor, split until every dropped row is itself near its survivor: where A is near B and B is
    near C, but C is not near A, a component would swallow C; here it stays. The outcome depends on the rows
    and the seed, never on their order, shards or machines.

    Another snapshot: with `against`, rows near a row of those datasets go. Where their rows are rows of this dataset as
    well, they come before new ones, but after the policy `keep`; where they are not, they stay whatever it says.

    Raises BadRecipe where the numbers do not fit each other or rows have no text.
    """

    version: ClassVar[int] = 3

    threshold: float = 0.8  # Jaccard similarity
    ngram: int = 13  # characters, after normalisation (`dedup.letters`); a shorter text is compared as a whole
    permutations: int = 128
    bands: int = 25  # 25 x 5 finds all but 5 in 100,000 pairs at 0.8; datasketch's choice, 9 x 13, finds 40 %
    rows: int = 5  # values in a band
    seed: int = 0  # for which row stays
    keep: Keep = "random"  # or "oldest", "newest", "longest", "best" (of `score`): which row stays
    score: str = ""
    search: Search = "bands"  # or "faiss": see `dedup.neighbours`
    against: tuple[str, ...] = ()  # datasets that are there already: rows near one of theirs go

    def __post_init__(self) -> None:
        for name in ("ngram", "permutations", "bands", "rows"):
            if getattr(self, name) < 1:
                raise BadRecipe(f"minhash: {name} is {getattr(self, name)}; expected at least 1")
        if not 0 < self.threshold <= 1:
            raise BadRecipe(f"minhash: threshold is {self.threshold}; expected more than 0 and at most 1")
        if self.bands * self.rows > self.permutations:
            raise BadRecipe(
                f"minhash: {self.bands} bands of {self.rows} rows need {self.bands * self.rows} permutations, "
                f"but there are {self.permutations}; raise permutations or lower bands"
            )
        if self.search not in SEARCHES:
            raise BadRecipe(f"minhash: search is {self.search!r}; expected one of {', '.join(SEARCHES)}")
        self.priority.check("minhash")
        if self._chance < NO_CHANCE:
            raise BadRecipe(f"minhash: {self._finds}: next to nothing; expected many bands of few rows, such as 25 x 5")

    def rules(self) -> tuple[Rule, ...]:
        return below("minhash/near_duplicate", "minhash/similarity", self.threshold)

    def describe(self) -> dict[str, Any]:
        from dedup.signatures import Signatures  # noqa: PLC0415  (a recipe is read without numba's 0.7 s)

        return {**describe(self), "side": Signatures(self.ngram, self.permutations)}

    def select(self, view: View, map: Map) -> Selected:
        from dedup.near import near_duplicates  # noqa: PLC0415  (likewise)

        selected = near_duplicates(self, view, others(view, self.against), map)
        return replace(selected, warnings=(*self._warnings(), *selected.warnings), notes=(self._note,))

    @property
    def priority(self) -> Priority:
        """The order in which rows stay."""
        return Priority(self.keep, self.score, self.seed)

    def resolve(self, store: "Store") -> "MinHashDedup":
        return replace(self, against=tuple([store.resolve(name) for name in self.against]))

    @property
    def _chance(self) -> float:
        return chance(self.threshold, self.bands, self.rows)

    @property
    def _finds(self) -> str:
        return f"{self.bands} x {self.rows} bands find {self._chance:.1%} of the pairs at {self.threshold}"

    @property
    def _note(self) -> str:
        if self.search == "faiss":
            from dedup.neighbours import how_exact  # noqa: PLC0415  (as above)

            return f"minhash: {how_exact(self.threshold, self.permutations)}"
        found = ", ".join([f"{chance(at, self.bands, self.rows):.2%} at {at}" for at in NOTED])
        return (
            f"minhash: {self.bands} x {self.rows} bands find so many pairs of a similarity: {found}; every pair found "
            "is compared on its texts, so no text goes that is not near the one that stays"
        )

    def _warnings(self) -> tuple[str, ...]:
        if self._chance >= LOW_CHANCE:
            return ()
        return (f"minhash: {self._finds}; many bands of few rows find more, as 25 x 5 does",)


def chance(similarity: float, bands: int, rows: int) -> float:
    """Return the chance that two texts of this Jaccard similarity share a band: 1 - (1 - s**r)**b.

    >>> round(chance(0.8, bands=9, rows=13), 4)
    0.3988
    """
    return float(1 - (1 - similarity**rows) ** bands)
