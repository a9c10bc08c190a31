import math
from dataclasses import dataclass
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from manifests import canonical
from manifests.errors import BadRecipe

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES)
def test_every_value_is_written_as_rfc_8785_says(value):
    assert canonical.encode(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53, {1: "a"}, {"a"}, object(), 1j, "\ud800", {"\ud800": 1}])
def test_what_has_no_stable_form_is_refused(value):
    with pytest.raises(BadRecipe):
        canonical.encode(value)


def test_a_dataclass_is_its_name_and_its_fields_and_not_its_module():
    @dataclass(frozen=True)
    class Pair:
        a: int
        b: tuple[str, ...]

    assert canonical.encode(Pair(1, ("x",))) == b'{"fields":{"a":1,"b":["x"]},"type":"Pair"}'


def test_one_and_one_point_zero_are_the_same_number():
    assert canonical.digest({"threshold": 1}) == canonical.digest({"threshold": 1.0})


def test_parts_of_other_lengths_never_give_the_same_digest():
    assert canonical.digest_parts(b"ab", b"c") != canonical.digest_parts(b"a", b"bc")
    assert canonical.digest_parts(b"", b"x") != canonical.digest_parts(b"x", b"")


def test_digests_are_what_they_were_on_the_day_they_were_fixed():
    assert canonical.digest({"b": 0.1, "a": ["é", None, True]}) == (
        "745ecbb7967e7f484ec3e8767bfb09a325ec0cf830fa5fd176dd37292e168ca1"
    )
    assert canonical.digest_parts(b"document", b"web", b"urn:1") == sha256(b"8:document3:web5:urn:1").digest()
