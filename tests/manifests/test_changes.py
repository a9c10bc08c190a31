import json

from manifests import canonical
from manifests.changes import recipe_changes, rule_changes, step_changes
from manifests.stage import Only, Recipe
from tests.manifests import small


def steps(*stages):
    """The stages as a manifest describes them."""
    return json.loads(canonical.encode(stages))


def test_a_changed_literal_is_named_with_both_values():
    assert recipe_changes(steps(small.Words()), steps(small.Words(min_words=9))) == ["Words changed: min_words 5 → 9"]


def test_equal_recipes_have_no_changes():
    assert recipe_changes(steps(small.Words(), small.Tidy()), steps(small.Words(), small.Tidy())) == []


def test_added_removed_and_moved_steps_are_named():
    old = steps(small.Words(), small.Tidy(), small.HideMail(), small.Short())
    new = steps(small.Tidy(), small.HideMail(), small.Sentences(), small.Words(min_words=6))
    assert recipe_changes(old, new) == [
        "Sentences added",
        "Words moved",
        "Words changed: min_words 5 → 6",
        "Short removed",
    ]


def test_a_raised_version_and_a_newer_library_are_changes():
    old = {"stage": "Extract", "version": 3, "libraries": {"trafilatura": "2.2"}, "fields": {}}
    new = {"stage": "Extract", "version": 4, "libraries": {"trafilatura": "2.3"}, "fields": {}}
    assert step_changes(old, new) == ["version 3 → 4", "libraries.trafilatura '2.2' → '2.3'"]


def test_a_changed_stage_inside_a_stage_is_seen():
    old, new = (Recipe("x", (Only("ja", small.Kana(share)),)).steps for share in (0.2, 0.3))
    assert recipe_changes(steps(*old), steps(*new)) == ["Kana (ja) changed: min_share 0.2 → 0.3"]
    other = Only("ja", small.Words())
    assert recipe_changes(steps(*old), steps(other)) == ["Words (ja) added", "Kana (ja) removed"]


def test_a_literal_that_one_version_lacks_is_shown_as_nothing():
    old, new = {"stage": "S", "fields": {"a": 1}}, {"stage": "S", "fields": {"b": None}}
    assert step_changes(old, new) == ["a 1 → (nothing)", "b (nothing) → None"]


def test_long_prompts_are_shown_where_they_begin_to_differ():
    begin = "Translate the following text with care and without haste. " * 3
    (change,) = step_changes(
        {"stage": "S", "fields": {"prompt": begin + "Use kanji." + begin}},
        {"stage": "S", "fields": {"prompt": begin + "Use kana." + begin}},
    )
    old, _, new = change.removeprefix("prompt ").partition(" → ")
    assert "kanji" in old
    assert "kana" in new
    assert max(len(old), len(new)) < 70


def test_the_same_stage_twice_is_compared_in_order():
    old = steps(small.Words(min_words=1), small.Words(min_words=2))
    new = steps(small.Words(min_words=1), small.Words(min_words=3))
    assert recipe_changes(old, new) == ["Words changed: min_words 2 → 3"]


def test_thresholds_are_compared_by_reason():
    def rule(reason, threshold):
        return {"reason": reason, "measure": "m", "keep": ">=", "threshold": threshold}

    assert rule_changes(
        [rule("a/a", 1.0), rule("b/b", 2.0), rule("c/c", 3)], [rule("a/a", 1), rule("b/b", 2.5), rule("d/d", 0.1)]
    ) == ["b/b: m >= 2 → m >= 2.5", "c/c: m >= 3 → no rule", "d/d: no rule → m >= 0.1"]


def test_one_reason_of_two_steps_keeps_both_thresholds():
    def rule(threshold):
        return {"reason": "a/a", "measure": "m", "keep": "<", "threshold": threshold}

    assert rule_changes([rule(1), rule(2)], [rule(1), rule(3)]) == ["a/a: m < 1, m < 2 → m < 1, m < 3"]
