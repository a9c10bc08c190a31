"""Translations by a real model against references: the best of several candidates, and the greedy one.

    koba run translate wmt20-en --n 1 --tag wmt20-greedy
    koba run translate wmt20-en --n 8 --choose round_trip --tag wmt20-best8
    python -m tests.benchmarks.real_translation --store koba-store

Both datasets and the references are rows with a label `line`. Candidates are those that the model was asked for, before
any gate: the greedy one is there for every line, the best only where a candidate fits.
"""

import argparse
from collections.abc import Mapping
from statistics import mean

from sacrebleu import corpus_chrf

from generators.round_trip import chrf
from manifests.manifest import Manifest
from manifests.store import Store
from manifests.view import View


def texts(store: Store, manifest: Manifest) -> dict[str, list[str]]:
    """Return the texts of a dataset's rows by their label `line`."""
    found: dict[str, list[str]] = {}
    for row in View(store, manifest):
        found.setdefault(row.labels["line"], []).append(getattr(row, "text", ""))
    return found


def candidates(store: Store, manifest: Manifest) -> dict[str, list[str]]:
    """Return all candidates of a translation by line: the rows that its first model step made, before any gate."""
    made = manifest
    while manifest.parents:
        if any(step.stage == "Generate" for step in manifest.steps):
            made = manifest
        [manifest] = [store.manifest(parent) for parent in manifest.parents]
    return texts(store, made)


def score(found: Mapping[str, str], references: Mapping[str, str]) -> float:
    """Return sacrebleu's chrF2 of some lines with their references, as one corpus."""
    lines = sorted(found)
    return float(corpus_chrf([found[line] for line in lines], [[references[line] for line in lines]]).score)


def compare(
    best: Mapping[str, str],
    drawn: Mapping[str, list[str]],
    greedy: Mapping[str, str],
    references: Mapping[str, str],
) -> dict[str, float]:
    """Return the chrF of each choice on the lines that have a best one; on all lines greedy fills in for it."""
    here = {line: greedy[line] for line in best}
    highest = {line: max(drawn[line], key=lambda text, line=line: chrf(text, references[line])) for line in best}
    return {
        f"greedy, on {len(best)} lines": score(here, references),
        f"best by round trip, on {len(best)} lines": score(best, references),
        f"a candidate by chance, on {len(best)} lines (mean of lines)": mean(
            [mean([chrf(text, references[line]) for text in drawn[line]]) for line in best]
        ),
        f"the candidate nearest to the reference, on {len(best)} lines": score(highest, references),
        f"greedy, on {len(greedy)} lines": score(greedy, references),
        f"best by round trip or else greedy, on {len(greedy)} lines": score({**greedy, **best}, references),
    }


def main(argv: list[str] | None = None) -> None:
    """Print chrF, and every line where the two choices differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="koba-store")
    parser.add_argument("--best", default="wmt20-best8")
    parser.add_argument("--greedy", default="wmt20-greedy")
    parser.add_argument("--references", default="wmt20-ja")
    asked = parser.parse_args(argv)
    store = Store(asked.store)
    chosen = store.manifest(asked.best)
    best = {line: found[0] for line, found in texts(store, chosen).items()}
    greedy = {line: found[0] for line, found in candidates(store, store.manifest(asked.greedy)).items()}
    references = {line: found[0] for line, found in texts(store, store.manifest(asked.references)).items()}
    for what, value in compare(best, candidates(store, chosen), greedy, references).items():
        print(f"{value:6.2f}  {what}")
    for line in sorted(best, key=int):
        if best[line] != greedy[line]:
            print(f"\n{line}\n  reference {references[line]}\n  greedy    {greedy[line]}\n  best      {best[line]}")


if __name__ == "__main__":
    main()
