"""The licence that a Python package or a file of code states, as SPDX. What is ambiguous is none: we do not guess.

"BSD License" is such a one (two, three or four clauses), and so are several classifiers (both, or one of them?).
"""

import re
from email.parser import BytesHeaderParser
from functools import cache

from license_expression import ExpressionError, Licensing, get_spdx_licensing

_CLASSIFIERS = {
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "ISC License (ISCL)": "ISC",
    "The Unlicense (Unlicense)": "Unlicense",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
}
_NAMES = {  # of the field License, in lower case, without "the", "license" and punctuation
    "mit": "MIT",
    "isc": "ISC",
    "apache 2": "Apache-2.0",
    "apache 2 0": "Apache-2.0",
    "apache version 2 0": "Apache-2.0",
    "apache software 2 0": "Apache-2.0",
    "bsd 2 clause": "BSD-2-Clause",
    "bsd 3 clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "mpl 2 0": "MPL-2.0",
    "unlicense": "Unlicense",
    "psf 2 0": "PSF-2.0",
}
_PREFIX = "License :: OSI Approved :: "
_MOST_CHARS = 200  # of an expression; the field License often holds the whole text
_STATED = re.compile(r"SPDX-License-Identifier:[ \t]*([A-Za-z0-9.+() -]{1,200})")
_HEAD_CHARS = 2_000  # of a file, in which it says what it is


def package_licence(metadata: bytes) -> str | None:
    """Return the licence that the metadata of a Python package state (METADATA or PKG-INFO), or None."""
    head = BytesHeaderParser().parsebytes(metadata)
    stated = expression(str(head.get("License-Expression", "")))
    if stated:
        return stated
    field = str(head.get("License", "")).strip()
    if 0 < len(field) <= _MOST_CHARS:
        words = re.sub(r"[^a-z0-9]+", " ", field.lower()).split()
        known = _NAMES.get(" ".join([word for word in words if word not in {"the", "license", "licence"}]))
        if known or expression(field):
            return known or expression(field)
    found = {str(line).removeprefix(_PREFIX) for line in head.get_all("Classifier", []) if _PREFIX in str(line)}
    return _CLASSIFIERS.get(found.pop()) if len(found) == 1 else None


def file_licence(text: str) -> str | None:
    """Return the licence that a file states in its head, or None."""
    stated = _STATED.search(text[:_HEAD_CHARS])
    return expression(stated[1]) if stated else None


def expression(text: str) -> str | None:
    """Return an SPDX expression in its usual spelling, or None where a text is none or names what SPDX lacks."""
    if not text.strip() or len(text) > _MOST_CHARS:
        return None
    try:
        return str(_spdx().parse(text.strip(), validate=True, strict=True))
    except (ExpressionError, RecursionError):
        return None


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()
