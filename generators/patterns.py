"""Patterns whose time is linear in any text: RE2's, as pyarrow has it. Those of Python can take for ever."""

import pyarrow as pa
import pyarrow.compute as pc

from manifests.errors import BadRecipe


def fits(pattern: str, text: str) -> bool:
    """Tell whether a text fits a pattern from end to end. Raises BadRecipe where that is none of RE2's."""
    try:
        found = pc.match_substring_regex(pa.array([text], pa.string()), rf"\A(?:{pattern})\z")
    except pa.ArrowInvalid as error:
        raise BadRecipe(f"Regex: {pattern!r} is no pattern of RE2: {str(error)[:80]}") from error
    return bool(found[0].as_py())
