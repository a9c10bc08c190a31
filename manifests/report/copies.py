"""What a report shows of rows that were dropped for another one: sizes, thresholds, and clusters word by word."""

from typing import Any

from manifests.manifest import Manifest
from manifests.report import charts
from manifests.report.shell import drawn
from manifests.store import Store
from manifests.twin_groups import read_clusters
from manifests.twin_thresholds import chances, notes, thresholds
from manifests.twins import Twins

SHOWN = 4  # clusters of each sort
SEED = 0


def copies(store: Store, manifest: Manifest) -> dict[str, Any] | None:
    """Return the near-duplicates of a dataset; None where no row was dropped for another one."""
    twins = Twins.of(store, manifest)
    if not len(twins.lines):
        return None
    sorts = {
        "The largest": twins.clusters["survivor"].head(SHOWN).to_list(),
        "The least alike": list(dict.fromkeys(line["survivor"] for line in twins.least_alike(SHOWN))),
        "By chance": twins.by_chance(SHOWN, SEED),
    }
    survivors = list(dict.fromkeys(one for some in sorts.values() for one in some))
    read = dict(zip(survivors, read_clusters(store, manifest, twins, survivors), strict=True))
    sizes = twins.sizes()
    names = [f"{one['size']} rows" for one in sizes]
    chart = charts.funnel(names, [one["clusters"] + one["rows"] for one in sizes], [one["clusters"] for one in sizes])
    return {
        "rows": len(twins.lines),
        "chars": int(twins.lines["chars"].sum()),
        "count": len(twins.clusters),
        "chart": drawn(chart),
        "sizes": sizes,
        "reasons": twins.by_reason(),
        "thresholds": thresholds(twins),
        "chances": chances(twins),
        "notes": notes(store, manifest),
        "groups": [(title, [read[one] for one in some]) for title, some in sorts.items()],
    }
