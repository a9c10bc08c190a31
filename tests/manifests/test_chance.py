import pyarrow as pa

from manifests.chance import hashes
from manifests.rows import row_id

IDS = pa.array([row_id("document", "test", name) for name in "abc"], pa.binary(16))


def test_the_order_of_chance_is_the_same_on_every_machine():
    assert hashes(IDS, 0).tolist() == [12355361371063130803, 1731992468259549717, 7608440635352696573]


def test_each_purpose_and_each_seed_has_its_own_order():
    many = pa.array([row_id("document", "test", str(n)) for n in range(1_000)], pa.binary(16))
    orders = [hashes(many, seed, purpose) for seed, purpose in ((0, "rank"), (1, "rank"), (0, "chance"))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        both = ((orders[one] < 2**63) & (orders[other] < 2**63)).sum()
        assert 200 < both < 300


def test_a_slice_of_ids_has_the_hashes_of_its_rows():
    assert hashes(IDS.slice(1), 0).tolist() == hashes(IDS, 0).tolist()[1:]
