import json
import math
from collections import Counter
from dataclasses import dataclass, replace

import pytest
import torch
from click.testing import CliRunner

from manifests.errors import BadRecipe, BadSource
from manifests.rows import Conversation, Message, Preference, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.tokens import load_tokenizer
from tests.sources import OneUnit
from tests.trainer.small import SETTINGS, trained
from trainer.align import PairBatches, Preferred, align
from trainer.align_command import align_model
from trainer.checkpoint import checkpoints
from trainer.exam import model_of
from trainer.examples import ExampleBatches, chat_format, read_examples
from trainer.losses import IGNORE
from trainer.preference_loss import PreferenceLoss
from trainer.settings import Settings

LENGTH = 128
SHORT = Settings(steps=6, batch=2, length=LENGTH, learning_rate=3e-3, warmup_steps=1, weight_decay=0.0)


@dataclass(frozen=True)
class Turns(OneUnit):
    """Ten conversations, or preferences: even answers are chosen."""

    kind: str

    @property
    def key(self):
        return ["turns", self.kind]

    @property
    def file(self):
        return self.kind

    def rows(self):
        for number in range(10):
            asked = (Message("user", f"What is {number}?"),)
            told, other = ((Message("assistant", f"It is {word}."),) for word in ("quiet", "a factory of many days"))
            name = row_id(self.kind, "turns", str(number))
            if self.kind == "conversation":
                long = Message("assistant", "day " * 300) if number == 9 else told[0]
                yield Conversation(id=name, messages=(*asked, long))
            else:
                scores = {"preferences/gap": 2.0}
                yield Preference(id=name, prompt=asked, chosen=told, rejected=other, scores=scores)


@pytest.fixture(scope="module")
def start(store, tmp_path_factory):
    for kind in ("conversation", "preference"):
        run(Recipe(kind, ()), Turns(kind), store=store, tag=kind)
    return trained(store, tmp_path_factory.mktemp("start"), replace(SETTINGS, steps=3))


def examples(store, start, kind):
    tokenizer = load_tokenizer(store, start.job.tokenizer)
    return tokenizer, read_examples(store, [kind], tokenizer, chat_format(tokenizer), LENGTH)


def test_only_what_the_assistant_says_is_learnt_and_nothing_is_cut(store, start):
    tokenizer, found = examples(store, start, "conversation")
    assert (len(found.rows), found.left_out) == (9, 1)
    batch = ExampleBatches(found, length=LENGTH, batch=2, seed=0, epochs=1).next()
    for line in range(2):
        for number in batch.documents[line].unique()[:-1]:
            there = batch.documents[line] == number
            said = batch.labels[line][there]
            assert tokenizer.decode(said[said != IGNORE].tolist()) == "It is quiet.\n<|im_start|>"
            assert tokenizer.decode(batch.tokens[line][there].tolist()).startswith("<|begin|><|im_start|>user\nWhat is")


def test_every_example_is_seen_once_in_each_epoch_and_batches_go_on_where_they_stopped(store, start):
    _, found = examples(store, start, "conversation")
    given = {"length": LENGTH, "batch": 2, "seed": 1, "epochs": 3}
    whole = ExampleBatches(found, **given)
    plans = []
    while (lines := whole.plan()) is not None:
        plans.append(lines)
    assert set(Counter((span.epoch, span.row) for lines in plans for line in lines for span in line).values()) == {1}
    assert sum(len(line) for lines in plans for line in lines) == 27
    again = ExampleBatches(found, **given)
    again.plan()
    rest = ExampleBatches(found, **given, state=again.state)
    assert rest.plan() == plans[1] == rest.rows_of_step(2)
    assert sum(span.stop for lines in plans for line in lines for span in line) == whole.state.packed


def test_the_loss_of_packed_pairs_is_that_of_each_alone(store, start):
    _, found = examples(store, start, "preference")
    model, reference = model_of(start), torch.randn(10, 2, generator=torch.Generator().manual_seed(0)) - 40
    loss = Preferred(model, PreferenceLoss(per_token=0.01, per_gap=0.5, per_nll=1.0))
    packed = PairBatches(found, reference=reference, length=256, batch=2, seed=0, epochs=1)
    longest = max(found.size(row) for row in range(10))
    alone = PairBatches(found, reference=reference, length=longest, batch=1, seed=0, epochs=1)
    sums, pairs = [0.0, 0.0], [0.0, 0.0]
    for side, batches in enumerate((packed, alone)):
        while (batch := batches.next()) is not None:
            sums[side] += loss(*batch.inputs).item()
            pairs[side] += batch.targets
    assert pairs == [10, 10]
    assert packed.state.step < alone.state.step
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)


def test_imitation_lowers_the_loss_and_goes_on_where_it_stopped(store, start, tmp_path):
    done = align(store, ["conversation"], SHORT, tmp_path / "sft", start=start, save_every=3)
    losses = [line["loss"] for line in done.metrics()]
    assert losses[-1] < 0.7 * losses[0]
    half = checkpoints(tmp_path / "sft")[0]
    (tmp_path / "again").mkdir()
    half.path.rename(tmp_path / "again" / half.path.name)
    assert align(store, ["conversation"], SHORT, tmp_path / "again", start=start).weights_digest == done.weights_digest


def test_preferences_begin_at_the_reference_and_part_the_replies(store, start, tmp_path):
    done = align(
        store, ["preference"], SHORT, tmp_path / "dpo", start=start, loss=PreferenceLoss(beta=0.5), save_every=2
    )
    losses = [line["loss"] for line in done.metrics()]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert losses[-1] < 0.3
    assert done.job.objective["beta"] == 0.5
    assert done.job.start == start.weights_digest
    (tmp_path / "again").mkdir()
    first = checkpoints(tmp_path / "dpo")[0]
    first.path.rename(tmp_path / "again" / first.path.name)
    on = align(store, ["preference"], SHORT, tmp_path / "again", start=start, loss=PreferenceLoss(beta=0.5))
    assert on.weights_digest == done.weights_digest
    with pytest.raises(BadRecipe, match="another job"):
        align(store, ["preference"], SHORT, tmp_path / "again", start=start, loss=PreferenceLoss(beta=0.2))


def test_what_cannot_be_learnt_from_is_refused(store, start, tmp_path):
    with pytest.raises(BadSource, match="expected conversations, or preferences"):
        align(store, ["conversation", "preference"], SHORT, tmp_path, start=start)
    with pytest.raises(BadSource, match="fits into 8 tokens"):
        align(store, ["conversation"], replace(SHORT, length=8), tmp_path, start=start)


def test_the_command_tells_what_was_left_out(store, start, tmp_path):
    arguments = ["conversation", "--start", str(start.path), "--folder", str(tmp_path), "--length", str(LENGTH)]
    done = CliRunner().invoke(align_model, [*arguments, "--json", "--store", store.url], catch_exceptions=False)
    assert "1 rows are longer than 128 tokens" in done.stderr
    assert json.loads(done.stdout)["steps"] == 1
