"""A dataset, or the difference of two, as one HTML file. Every value goes through the template's escaping."""

import json
from typing import Any

from manifests.diff import Diff
from manifests.funnel import funnel
from manifests.lineage import recipe_chain, recipe_steps
from manifests.lookup import rows_anywhere
from manifests.manifest import Manifest
from manifests.report import charts, facts
from manifests.report.copies import copies
from manifests.report.scored import scored
from manifests.report.shell import drawn, render
from manifests.store import Store
from manifests.token_count import counted

MOST_DOCUMENTS = 200  # of a diff


def dataset_page(store: Store, manifest: Manifest, name: str) -> str:
    """Return the report on a dataset: funnel, rules, groups, near-duplicates, lineage, licences, runs."""
    steps = funnel(store, manifest)
    rules = list(facts.rule_facts(store, manifest))
    wanted = [row_id for rule in rules if rule.dropped for row_id, _, _ in rule.nearest]
    rows = rows_anywhere(store, manifest, wanted)
    domains = facts.group_facts(store, manifest, "domain")
    return render(
        "dataset.html.j2",
        name=name,
        manifest=manifest,
        counted=counted(recipe_chain(store, manifest)) if manifest.tokens else None,
        looked=steps[0].rows_in if steps else manifest.rows,
        funnel=[_step(step) for step in steps],
        funnel_chart=drawn(charts.funnel(*_columns(steps))) if steps else "",
        rules=[_rule(rule, rows) for rule in rules if rule.dropped],
        quiet_rules=[_quiet(rule) for rule in rules if not rule.dropped],
        languages=facts.group_facts(store, manifest, "language"),
        domains=domains[: facts.MOST_DOMAINS],
        more_domains=max(0, len(domains) - facts.MOST_DOMAINS),
        copies=copies(store, manifest),
        scored=scored(store, manifest),
        lineage=facts.lineage(store, manifest),
        sources=facts.sources(store, manifest),
        licences=sorted(manifest.licences.items()),
        recipe=[
            (step["stage"], json.dumps(step, indent=1, ensure_ascii=False)) for step in recipe_steps(store, manifest)
        ],
        runs=[record for record in store.runs() if record.get("manifest") == manifest.id],
    )


def diff_page(made: Diff, old: str, new: str) -> str:
    """Return the report on the difference of two versions."""
    reasons = [
        {"what": what, "reason": reason, "rows": rows}
        for what, counts in made.reasons.items()
        for reason, rows in counts.items()
    ]
    groups = {
        column: [
            {"group": row["group"], "old": row["old_rows"] or 0, "new": row["new_rows"] or 0}
            for row in made.groups(column).head(facts.MOST_DOMAINS).to_dicts()
        ]
        for column in ("language", "domain")
    }
    return render(
        "diff.html.j2",
        old=old,
        new=new,
        diff=made.rows,
        recipe_changes=[*made.recipe, *made.thresholds],
        reasons=reasons,
        languages=groups["language"],
        domains=groups["domain"],
        documents=[change.to_json(facts.EXCERPT_CHARS) for change in made.changes(limit=MOST_DOCUMENTS)],
    )


def _step(step: Any) -> dict[str, Any]:
    reasons = sorted(step.reasons.items(), key=lambda item: (-item[1], item[0]))
    names = ("stage", "rows_in", "kept", "dropped", "altered", "derived")
    return {name: getattr(step, name) for name in names} | {"reasons": reasons}


def _columns(steps: Any) -> tuple[list[str], list[int], list[int]]:
    return (
        [step.stage for step in steps],
        [step.rows_in for step in steps],
        [step.kept + step.derived for step in steps],
    )


def _rule(rule: facts.RuleFacts, rows: dict[bytes, Any]) -> dict[str, Any]:
    samples = [
        _sample(rows.get(row_id), row_id) | {"value": value, "reason": None if kept else rule.rule.reason}
        for row_id, value, kept in rule.nearest
    ]
    chart = drawn(charts.histogram(rule.kept_values, rule.dropped_values, [rule.rule.threshold]))
    return _stated(rule) | {"stage": rule.stage, "dropped": rule.dropped, "chart": chart, "samples": samples}


def _quiet(rule: facts.RuleFacts) -> dict[str, Any]:
    """Return a rule that dropped nothing: stated, with the span of the values that it saw."""
    values = rule.kept_values
    span = (float(values.min()), float(values.max())) if len(values) else (None, None)
    return _stated(rule) | {"stage": rule.stage, "lowest": span[0], "highest": span[1]}


def _stated(rule: facts.RuleFacts) -> dict[str, Any]:
    return {name: getattr(rule.rule, name) for name in ("reason", "measure", "keep", "threshold")}


def _sample(row: Any, row_id: bytes) -> dict[str, Any]:
    url = row.url if row else None
    return {"id": row_id.hex(), "domain": url, "source": row.source if row else None, "text": facts.excerpt(row)}
