import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.errors import BadRecipe
from manifests.store import Store
from manifests.view import View
from tests.trainer.small import sentences, tokens_in
from trainer.data import Loader, State
from trainer.losses import IGNORE
from trainer.mix import open_mix
from trainer.order import BLOCK_ROWS, Order, permutation


@dataclasses.dataclass
class Row:
    """Rows of so many tokens, of which no two are equal, in the place of a manifest."""

    sizes: tuple[int, ...]
    weight: float = 1.0
    name: str = "rows"

    @property
    def manifest(self):
        return self

    @property
    def id(self):
        return self.name

    @property
    def rows(self):
        return len(self.sizes)

    def size(self, row):
        return self.sizes[row]

    def tokens(self, row, start, stop):
        first = sum(self.sizes[:row])
        return np.arange(first + start, first + min(stop, self.sizes[row]))


def spans(loader):
    while (plan := loader.plan()) is not None:
        yield from (span for sequence in plan for span in sequence)


sizes = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any).map(tuple)


@given(sizes, st.integers(1, 16), st.integers(1, 3), st.integers(1, 3), st.integers(0, 5))
def test_every_token_is_packed_once_an_epoch(sizes, length, batch, epochs, seed):
    loader = Loader([Row(sizes)], length=length, batch=batch, seed=seed, epochs=epochs)
    seen = [(span.epoch, span.row, place) for span in spans(loader) for place in range(span.start, span.stop)]
    expected = [(epoch, row, n) for epoch in range(epochs) for row, size in enumerate(sizes) for n in range(size)]
    assert sorted(seen) == expected
    assert loader.carried == 0
    assert loader.state.packed + loader.state.padding == loader.state.step * batch * length
    assert loader.state.padding < batch * length


@given(sizes, st.integers(1, 16), st.integers(1, 3))
def test_every_token_but_the_first_of_a_document_is_a_target_once(sizes, length, batch):
    loader = Loader([Row(sizes)], length=length, batch=batch, seed=0, epochs=1)
    labels = [label for batch in loader for label in batch.labels.flatten().tolist() if label != IGNORE]
    firsts = {sum(sizes[:row]) for row, size in enumerate(sizes) if size}
    assert sorted(labels) == [token for token in range(sum(sizes)) if token not in firsts]


def test_a_long_document_fills_its_own_sequence_of_each_batch_and_not_the_whole_batch():
    loader = Loader([Row((400, 400, 400, 400))], length=10, batch=4, seed=0, epochs=1)
    assert [len({span.row for spans in loader.plan() for span in spans}) for _ in range(40)] == [4] * 40


def test_at_the_end_of_the_data_what_is_left_of_a_long_document_fills_all_sequences():
    loader = Loader([Row((90, 10, 10, 10))], length=10, batch=4, seed=0, epochs=1)
    assert len(list(spans(loader))) == 12
    assert (loader.state.step, loader.state.padding) == (3, 0)


@given(sizes, sizes, st.integers(1, 16), st.integers(1, 8))
def test_a_loader_goes_on_from_its_state(first, second, length, stop):
    mix = [Row(first, 3.0, "a"), Row(second, 1.0, "b")]
    options = {"length": length, "batch": 2, "seed": 7}
    whole = Loader(mix, **options)
    plans = [whole.plan() for _ in range(10)]
    part = Loader(mix, **options)
    for _ in range(stop):
        part.plan()
    state = State(**part.state.as_dict())
    resumed = Loader(mix, **options, state=state)
    assert [resumed.plan() for _ in range(10 - stop)] == plans[stop:]
    assert resumed.state == whole.state
    assert resumed.rows_of_step(stop) == plans[stop - 1]


@settings(max_examples=20)
@given(sizes, st.sampled_from([1, 2, 3, 6]))
def test_any_number_of_processes_makes_the_same_batches(sizes, ranks):
    options = {"length": 8, "batch": 6, "seed": 0, "epochs": 2}
    whole = [batch.tokens.tolist() for batch in Loader([Row(sizes)], **options)]
    parts = [list(Loader([Row(sizes)], **options, rank=rank, ranks=ranks)) for rank in range(ranks)]
    for step, tokens in enumerate(whole):
        merged = [None] * 6
        for rank in range(ranks):
            merged[rank::ranks] = parts[rank][step].tokens.tolist()
        assert merged == tokens


def test_a_mix_keeps_to_its_weights():
    loader = Loader([Row((5, 9, 2), 3.0, "a"), Row((7,), 1.0, "b")], length=100, batch=4, seed=0)
    for _ in range(10):
        loader.plan()
    assert loader.state.tokens[0] / sum(loader.state.tokens) == pytest.approx(0.75, abs=0.01)


def test_the_order_depends_on_dataset_seed_and_epoch_alone():
    def read(manifest="a", seed=0, epoch=0):
        return [Order(manifest, 3_000, seed, epoch).row(position) for position in range(3_000)]

    orders = [read(), read("b"), read(seed=1), read(epoch=1)]
    assert read() == orders[0]
    assert all(sorted(order) == list(range(3_000)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4


def test_reading_stays_in_one_block_of_rows():
    order = [Order("a", 5 * BLOCK_ROWS, 0, 0).row(position) // BLOCK_ROWS for position in range(5 * BLOCK_ROWS)]
    assert [order[n * BLOCK_ROWS] for n in range(5)] == list(dict.fromkeys(order))


def test_a_permutation_is_the_same_for_ever():
    assert permutation(42, 10).tolist() == [4, 1, 6, 2, 8, 3, 9, 0, 7, 5]


def test_rows_are_read_under_their_masks_and_ids(store):
    [source] = open_mix(store, {"texts": 1})
    rows = list(View(store, source.manifest))
    for place, row in enumerate(rows):
        assert source.id(place) == row.id
        assert source.tokens(place, 0, 10_000).tolist() == list(row.input_ids)
        assert source.size(place) == len(row.input_ids)


def test_two_names_of_one_dataset_are_refused(store):
    with pytest.raises(BadRecipe, match="the same dataset"):
        open_mix(store, {"texts": 1, store.manifest("texts").id: 1})


def test_a_mix_has_no_epochs():
    with pytest.raises(BadRecipe, match="give steps"):
        Loader([Row((1,)), Row((2,), name="b")], length=4, batch=1, seed=0, epochs=1)


def test_a_weight_is_above_zero(store):
    with pytest.raises(BadRecipe, match="weight 0"):
        open_mix(store, {"texts": 0})


def test_a_mix_does_not_depend_on_the_order_of_its_names(tmp_path):
    store = Store(str(tmp_path))
    for name in ("one", "two"):
        tokens_in(store, sentences(5, name), name)
    orders = [open_mix(store, weights) for weights in ({"one": 1, "two": 2}, {"two": 2, "one": 1})]
    assert [[source.manifest.id for source in mix] for mix in orders] == [
        sorted(store.manifest(name).id for name in ("one", "two"))
    ] * 2
