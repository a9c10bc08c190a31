"""Addresses and names of Creative Commons licences, and their SPDX identifiers (SPDX licence list 3.27)."""

import re

_VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")
_CODES = ("BY", "BY-NC", "BY-NC-ND", "BY-NC-SA", "BY-ND", "BY-SA")
# Of the licences that were ported to a country or to organisations ("IGO"), SPDX lists these.
_PORTED = """
    BY-2.5-AU BY-3.0-AT BY-3.0-AU BY-3.0-DE BY-3.0-IGO BY-3.0-NL BY-3.0-US BY-NC-3.0-DE BY-NC-ND-3.0-DE
    BY-NC-ND-3.0-IGO BY-NC-SA-2.0-DE BY-NC-SA-2.0-FR BY-NC-SA-2.0-UK BY-NC-SA-3.0-DE BY-NC-SA-3.0-IGO BY-ND-3.0-DE
    BY-SA-2.0-UK BY-SA-2.1-JP BY-SA-3.0-AT BY-SA-3.0-DE BY-SA-3.0-IGO SA-1.0
"""
_LISTED = {f"{code}-{version}" for code in _CODES for version in _VERSIONS} | set(_PORTED.split())
ZERO, MARK, PUBLIC_DOMAIN = "CC0-1.0", "CC-PDM-1.0", "CC-PDDC"

_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9.=-])(?:www\.)?creativecommons\.org/"
    r"(?:licenses/(?P<code>(?:by|sa|nc|nd)(?:-(?:by|sa|nc|nd)){0,2})(?![a-z-])(?:/(?P<version>[1-4]\.[0-9]))?"
    r"(?:/(?P<port>[a-z]{2}|igo|scotland)(?=[/?#\s\"'<)]|$))?"
    r"|publicdomain/(?P<tool>zero|mark)|licenses/(?P<old>publicdomain))",
    re.IGNORECASE,
)
_COUNTRIES = {
    "australia": "AU",
    "austria": "AT",
    "deutschland": "DE",
    "france": "FR",
    "germany": "DE",
    "igo": "IGO",
    "japan": "JP",
    "nederland": "NL",
    "netherlands": "NL",
    "österreich": "AT",
    "uk": "UK",
    "united states": "US",
    "日本": "JP",
}
_PORTS = (  # of upper-case letters only: "CC BY 3.0 in print" is not India's
    r"(?-i:A[RTU]|B[EGR]|C[AHLNORZ]|D[EK]|E[CEGS]|F[IR]|G[BRT]|H[KRU]|I[ELNT]|IGO|JP|KR|LU|M[KTXY]|N[LOZ]|P[EHLRT]"
    r"|R[OS]|S[EGI]|T[HW]|UK|US|VN|ZA)\b"
)
_VERSION = rf"(?:\s*v?(?P<version>[1-4][.．]\d))?(?:[\s-]+(?P<port>{_PORTS}|{'|'.join(_COUNTRIES)}))?"
_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bCC[\s-]*(?P<terms>BY(?:[\s-]+(?:NC|ND|SA))*)(?![a-z])[\s-]*{_VERSION}",
        r"creative\s+commons[\s:,–—-]*(?:license[\s:,–—-]*)?(?P<terms>attribution(?:[\s,–—-]+(?:and\s+)?"
        rf"(?:non-?\s?commercial|no-?\s?deriv\w*(?:\s+works)?|share[\s-]?alike))*)(?:\s+licen[cs]e,?)?\s*{_VERSION}",
        r"クリエイティブ・?\s?コモンズ[^。\n]{0,12}?(?P<terms>表示(?:[\s‐–—－ー・-]*(?:非営利|改変禁止|継承))*)[\s　]*"
        rf"{_VERSION}",
    )
)
_ZERO = re.compile(r"\bCC[\s-]?0\b|\bCC\s+zero\b|creative\s+commons\s+zero", re.IGNORECASE)
_MARK = re.compile(r"\bpublic\s+domain\s+mark\b", re.IGNORECASE)
_TERMS = (
    ("NC", re.compile(r"\bnc\b|non-?\s?commercial|非営利", re.IGNORECASE)),
    ("ND", re.compile(r"\bnd\b|no-?\s?deriv|改変禁止", re.IGNORECASE)),
    ("SA", re.compile(r"\bsa\b|share[\s-]?alike|継承", re.IGNORECASE)),
)


def from_address(text: str) -> str | None:
    """Return the licence that the first address of a deed in a text stands for, None where there is no such address."""
    found = _ADDRESS.search(text)
    if not found:
        return None
    if found["code"]:
        return _identifier(found["code"].upper().split("-"), found["version"], found["port"])
    return PUBLIC_DOMAIN if found["old"] else ZERO if found["tool"].lower() == "zero" else MARK


def from_name(text: str) -> str | None:
    """Return the licence that a text names first, short or in full, in English or Japanese; None for none."""
    found = [match for pattern in _NAMES if (match := pattern.search(text))]
    found.sort(key=lambda match: (match["version"] is None, match.start()))  # "Attribution License (CC BY 4.0)"
    if found:
        first = found[0]
        terms = ["BY", *(term for term, pattern in _TERMS if pattern.search(first["terms"]))]
        port = first["port"]
        return _identifier(terms, first["version"], _COUNTRIES.get(port.lower(), port) if port else None)
    if _ZERO.search(text):
        return ZERO
    return MARK if _MARK.search(text) else None


def _identifier(terms: list[str], version: str | None, port: str | None) -> str | None:
    """Return the SPDX identifier, or a LicenseRef for what SPDX does not list; None for terms that no licence has."""
    if {"ND", "SA"} <= set(terms):
        return None
    code = "-".join([term for term in ("BY", "NC", "ND", "SA") if term in terms])
    version = version.replace("．", ".") if version else None
    parts = [code, version, None if version == "4.0" else port]  # version 4.0 was ported to no country
    name = "-".join([part.upper() for part in parts if part])
    return f"CC-{name}" if name in _LISTED else f"LicenseRef-CC-{name}"
