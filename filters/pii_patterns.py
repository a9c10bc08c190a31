"""How personal data look: where mail and IP addresses, telephone, card and individual numbers stand in a text.

Each function takes a text as `plain` spells it and yields beginnings and ends. None takes more than linear time.

IP addresses are public ones. Four numbers are a version, and none, where each has one digit, where a word such as
"version" or "release", a comparison ("==1.20.3.4") or a name and a slash ("Chrome/91.0.4472.124") stands before them,
or where letters, "_", "-" or further numbers touch them. IPv6 addresses are global unicast ones (2000::/3).
Telephone numbers are Japanese ones with hyphens or parentheses, or of mobile phones in any form; with a country code
after "+"; North American ones; and what else follows a word such as "TEL". 0120, 0570, 0800 and 0990 are firms: left.
Card numbers have a brand's beginning and length, usual groups or none, and the check digit of Luhn (ISO/IEC 7812-1).
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

Spans: TypeAlias = Iterator[tuple[int, int]]
Find: TypeAlias = Callable[[str], Spans]

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII
_SPELLING = _WIDE | dict.fromkeys(map(ord, "‐‑‒–—―−"), ord("-")) | {0x3000: ord(" "), 0xA0: ord(" ")}

_MAIL = re.compile(
    r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_+][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,63}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?!(?:png|jpe?g|gif|webp|svg|avif)\b)[A-Za-z]{2,24}+(?![A-Za-z0-9])"
)
_IP4 = re.compile(r"(?<![A-Za-z0-9_.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![A-Za-z0-9_-]|\.[0-9])")
_IP6 = re.compile(r"(?<![A-Za-z0-9_:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?![A-Za-z0-9_:]|\.[0-9])")
_VERSION = re.compile(
    r"(?:\b(?:version|ver|v|release|build|revision|rev|firmware|update|patch|sdk)|バージョン|[=<>~^]|[A-Za-z]/)[\s.:(]*$",
    re.IGNORECASE,
)
_VERSION_CHARS = 16  # how far before a number its meaning is looked for

# A number begins after what is no part of a longer number, name or address, and ends likewise.
_TEL = r"(?<=TEL)|(?<=Tel)|(?<=tel)|(?<=FAX)|(?<=Fax)|(?<=fax)"
_BEGIN = rf"(?:(?<![A-Za-z0-9_.+=/%#&$-])|{_TEL})"
_END = r"(?![A-Za-z0-9_]|[-ー.][0-9])"

_CARD = re.compile(
    rf"{_BEGIN}(?:[2-6]\d{{3}}(?P<a>[ -])\d{{4}}(?P=a)\d{{4}}(?P=a)\d{{4}}"
    rf"|3\d{{3}}(?P<b>[ -])\d{{6}}(?P=b)\d{{4,5}}|[2-6]\d{{12,15}}){_END}",
    re.ASCII,
)
_BRANDS = re.compile(  # Visa; Mastercard, twice; American Express; JCB; Diners Club; Discover
    r"4\d{12}(?:\d{3})?|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}",
    re.ASCII,
)
# Not the first twelve digits of a card number in groups.
_MY_NUMBER = re.compile(rf"(?<![0-9] ){_BEGIN}\d{{4}}(?P<s>[ -]?)\d{{4}}(?P=s)\d{{4}}{_END}(?! [0-9])", re.ASCII)

_PHONES = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"(?:(?<![A-Za-z0-9+])|{_TEL})\+[1-9]\d{{0,2}}(?:[-ー. ]?\(0\))?(?:[-ー. ]?\(?\d{{1,5}}+\)?){{2,5}}+{_END}",
        rf"{_BEGIN}0[5789]0(?P<s>[-ー. ]?)\d{{4}}(?P=s)\d{{4}}{_END}",
        rf"{_BEGIN}0\d{{1,4}}[-ー]\d{{1,4}}[-ー]\d{{4}}{_END}",
        rf"(?<![A-Za-z0-9])\(0\d{{1,4}}\)[-ー ]?\d{{1,4}}[-ー ]\d{{4}}{_END}",
        rf"{_BEGIN}0\d{{1,4}}\(\d{{1,4}}\)[-ー ]?\d{{4}}{_END}",
        rf"{_BEGIN}(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-.])[2-9]\d\d[-.]\d{{4}}{_END}",
        rf"(?:tel|phone|fax|mobile|電話|携帯|℡|☎)(?:番号|number|no\.?)?[:. ]{{0,4}}"
        rf"(?P<number>\(?0\d{{1,4}}\)?[-ー. ]?\d{{1,4}}[-ー. ]?\d{{3,4}}){_END}",
    )
)
# What a text must have for the patterns to be worth their time: few have so many digits close together.
_NINE_DIGITS = re.compile(r"[0-9](?:[^0-9]{0,2}[0-9]){8}")
_TWELVE_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){11}")
_DOTTED = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]")
_FIRMS = ("0120", "0570", "0800", "0990")
_MIN_DIGITS = 9  # of a telephone number, with its country code or its leading zero
_MAX_DIGITS = 15  # ITU-T E.164


def plain(text: str) -> str:
    """Return a text with full-width ASCII, hyphens and blanks in their plain form; every character keeps its place."""
    return text if text.isascii() else text.translate(_SPELLING)


def mails(text: str) -> Spans:
    """Yield where mail addresses stand."""
    if "@" in text:
        yield from (found.span() for found in _MAIL.finditer(text))


def ips(text: str) -> Spans:
    """Yield where public IP addresses stand."""
    for found in _IP4.finditer(text) if _DOTTED.search(text) else ():
        if max(map(len, found.group().split("."))) > 1 and _is_public(found.group()):
            before = text[max(0, found.start() - _VERSION_CHARS) : found.start()]
            if not _VERSION.search(before):
                yield found.span()
    for found in _IP6.finditer(text) if text.count(":") > 1 else ():
        if _is_public(found.group()):
            yield found.span()


def cards(text: str) -> Spans:
    """Yield where numbers of payment cards stand."""
    for found in _CARD.finditer(text) if _TWELVE_DIGITS.search(text) else ():
        digits = re.sub(r"\D", "", found.group())
        if _BRANDS.fullmatch(digits) and luhn(digits):
            yield found.span()


def my_numbers(text: str) -> Spans:
    """Yield where Japanese individual numbers ("My Number") stand: 12 digits, of which the last checks the others."""
    for found in _MY_NUMBER.finditer(text) if _TWELVE_DIGITS.search(text) else ():
        digits = re.sub(r"\D", "", found.group())
        if len(set(digits)) > 1 and my_number_check(digits[:-1]) == int(digits[-1]):
            yield found.span()


def phones(text: str) -> Spans:
    """Yield where telephone numbers stand; those of one pattern may overlap those of another."""
    for pattern in _PHONES if _NINE_DIGITS.search(text) else ():
        named = "number" if "number" in pattern.groupindex else 0
        for found in pattern.finditer(text):
            digits = re.sub(r"\D", "", found[named])
            domestic = digits.startswith("0") and not found[named].startswith("+")
            usual = len(digits) in {10, 11} if domestic else _MIN_DIGITS <= len(digits) <= _MAX_DIGITS
            if usual and not (domestic and digits.startswith(_FIRMS)):
                yield found.span(named)


def luhn(digits: str) -> bool:
    """Tell whether the last of some digits is the check digit of the others."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[::-2])) + sum(number - 9 if number > 9 else number for number in doubled)) % 10 == 0


def my_number_check(digits: str) -> int:
    """Return the check digit of the first 11 digits of a My Number (ordinance 85 of 2014, article 5)."""
    weighted = sum(int(digit) * (place + 1 if place <= 6 else place - 5) for place, digit in enumerate(digits[::-1], 1))
    rest = weighted % 11
    return 0 if rest <= 1 else 11 - rest


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found.is_global and not found.is_multicast
