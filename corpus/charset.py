"""Bytes of a web page to text, by what the page says about itself and, where that is wrong, by what its bytes say.

    >>> decode("<p>こんにちは</p>".encode("cp932"), "text/html; charset=x-sjis")
    Decoded(text='<p>こんにちは</p>', charset='shift_jis')

The order is that of the WHATWG Encoding and HTML standards (byte order mark, HTTP header, `<meta>`, detection) but for
one thing: bytes that are valid UTF-8, or that read well in another charset while the declared one gives errors, win
over the declaration. Browsers show such pages as garbage; a corpus has no use for it.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from charset_normalizer import from_bytes

_SAMPLE_BYTES = 256 * 1024  # what a decision looks at; the whole page is decoded only once
_META_BYTES = 4096  # the standard says 1,024; browsers read on, and real pages put scripts before their <meta>
_DETECT_BYTES = 4096  # of text outside tags: more makes the detector slower, not better
_LEAST_EVIDENCE = 32  # bytes outside ASCII; below it a detector guesses among a dozen charsets that all fit
_WESTERN = "windows-1252"  # servers send it by default, so it declares nothing

# Faults are shares of the characters outside ASCII. Text in a wrong charset has .1 and more, in the right one < .02.
_SOUND, _DIRTY = 0.02, 0.2
_MIXED_UTF_8 = 0.3  # no other charset makes valid UTF-8 by chance in 7 of 10 characters
_LEAST_KANA = 0.1  # real Japanese has .3 and more; Chinese read as EUC-JP has next to none

_FAULT = re.compile("[\ufffd\ue000-\uf8ff\uff61-\uff9f\x80-\x9f]")  # half-width kana: EUC-JP read as Shift_JIS
_OUTSIDE_ASCII = re.compile("[^\x00-\x7f]")
_KANA = re.compile("[ぁ-んァ-ヶ]")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd]")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"""<(?:meta|\?xml)\s[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([^\s"'/>;]+)""", re.IGNORECASE)
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([^\s"',;]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text and the charset it was read in, by its WHATWG name."""

    text: str
    charset: str

    @property
    def damage(self) -> float:
        """Share of the characters that stand for no character: U+FFFD, NUL and other controls. 0 to 1."""
        return len(_NO_TEXT.findall(self.text)) / len(self.text) if self.text else 0.0


def decode(content: bytes, content_type: str = "") -> Decoded:
    """Return the text of `content`, an HTML page with the given Content-Type header.

    Never raises: what cannot be decoded becomes U+FFFD, see `Decoded.damage`.
    """
    charset = _utf_16(content)
    if charset is None and b"\x1b$" not in content:
        try:
            return Decoded(content.decode("utf-8-sig"), "utf-8")
        except UnicodeDecodeError:
            pass
    if charset is None:
        charset = _choose(content[:_SAMPLE_BYTES], list(_declared(content, content_type)))
    return Decoded(_read(content, charset), charset)


def charset_of(label: str) -> str | None:
    """Return the WHATWG name for a label as pages write it ("x-sjis", "latin1"); None where it means nothing.

    UTF-16 is None too: a page that announces it in ASCII is not UTF-16, and one that is shows it in its bytes.
    """
    return _LABELS.get(label.strip().lower())


def _declared(content: bytes, content_type: str) -> Iterator[str]:
    labels = _HEADER.findall(content_type)
    labels += [label.decode("latin-1") for label in _META.findall(_COMMENT.sub(b"", content[:_META_BYTES]))]
    if content.startswith(codecs.BOM_UTF8):
        labels.insert(0, "utf-8")
    for label in labels:
        charset = charset_of(label)
        if charset:
            yield charset


def _utf_16(content: bytes) -> str | None:
    """Return the kind of UTF-16 that the bytes show: by a mark, or by NULs where ASCII markup has its other half."""
    if content.startswith(codecs.BOM_UTF16_LE):
        return "utf-16le"
    if content.startswith(codecs.BOM_UTF16_BE):
        return "utf-16be"
    even, odd = content[:1024:2], content[1:1024:2]
    many, few = max(8, 0.4 * len(odd)), 0.05 * len(odd)
    if odd.count(0) > many and even.count(0) <= few:
        return "utf-16le"
    if even.count(0) > many and odd.count(0) <= few:
        return "utf-16be"
    return None


def _choose(sample: bytes, declared: list[str]) -> str:
    """Return the charset of bytes that are not UTF-8 throughout: the first one that reads well enough."""
    named = [charset for charset in declared if charset != _WESTERN]
    plan = [(charset, _SOUND) for charset in named] + [("utf-8", _MIXED_UTF_8)]
    if b"\x1b$" in sample:
        plan.insert(0, ("iso-2022-jp", _SOUND))
    for charset, most_faults in plan:
        if _faults(_read(sample, charset)) <= most_faults:
            return charset
    for charset in ("shift_jis", "euc-jp"):
        text = _read(sample, charset)
        if _faults(text) <= _DIRTY and _share(_KANA, text) >= _LEAST_KANA:
            return charset
    for charset in named:
        if _faults(_read(sample, charset)) <= _DIRTY:
            return charset
    return _WESTERN if _WESTERN in declared else _detect(sample)


def _detect(sample: bytes) -> str:
    evidence = b"".join([part for part in re.split(rb"[<>]", sample) if not part.isascii()])[:_DETECT_BYTES]
    if len(evidence.translate(None, bytes(range(128)))) < _LEAST_EVIDENCE:
        return _WESTERN
    guess = from_bytes(evidence, cp_isolation=list(_DETECTED)).best()
    return _DETECTED[guess.encoding] if guess else _WESTERN


def _read(content: bytes, charset: str) -> str:
    if charset not in _JIS_X_0208:
        return content.decode(_CODECS.get(charset, charset), "replace").removeprefix("\ufeff")
    text = content.decode(_CODECS[charset], "koba.nec")
    for python, web in _WEB_FORMS:
        text = text.replace(python, web)
    return text


def _faults(text: str) -> float:
    return _share(_FAULT, text)


def _share(pattern: re.Pattern[str], text: str) -> float:
    outside = len(_OUTSIDE_ASCII.findall(text))
    return len(pattern.findall(text)) / outside if outside else 0.0


def _nec(error: UnicodeError) -> tuple[str, int]:
    """Read a pair that Python's JIS codecs refuse as Windows does: ①, ㈱ and the other NEC and IBM characters.

    Python also goes on after the first byte of such a pair, which garbles the rest of the run; we skip both.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    row, cell = (byte & 0x7F for byte in pair) if len(pair) == 2 else (0, 0)
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E and (pair[0] ^ pair[1]) < 0x80):
        return "\ufffd", error.start + 1
    lead = (row - 0x21) // 2 + (0x81 if row < 0x5F else 0xC1)
    trail = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
    return bytes((lead, trail)).decode("cp932", "replace")[:1], error.start + 2


codecs.register_error("koba.nec", _nec)

_JIS_X_0208 = ("euc-jp", "iso-2022-jp")
# Where Python's JIS codecs and the WHATWG index differ: without this a page and its UTF-8 copy are two texts.
_WEB_FORMS = (("\u301c", "～"), ("\u2016", "∥"), ("\u2212", "－"), ("\u00a2", "￠"), ("\u00a3", "￡"), ("\u00ac", "￢"))

# WHATWG name: labels. From the Encoding Standard, section 4.2, with a few more that Japanese pages use.
_TABLE = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "ibm866": "ibm866 866 cp866 csibm866",
    "iso-8859-2": "iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso-8859-3": "iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso-8859-4": "iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso-8859-5": "iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso-8859-6": "iso-8859-6 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e "
    "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
    "iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "iso-8859-8 csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 "
    "iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    "iso-8859-10": "iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "koi8-r cskoi8r koi koi8 koi8_r",
    "koi8-u": "koi8-u koi8-ru",
    "macintosh": "macintosh csmacintosh mac x-mac-roman",
    "windows-874": "windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620",
    "windows-1250": "windows-1250 cp1250 x-cp1250",
    "windows-1251": "windows-1251 cp1251 x-cp1251",
    "windows-1252": "windows-1252 ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 "
    "iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252",
    "windows-1253": "windows-1253 cp1253 x-cp1253",
    "windows-1254": "windows-1254 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
    "iso_8859-9:1989 l5 latin5 x-cp1254",
    "windows-1255": "windows-1255 cp1255 x-cp1255",
    "windows-1256": "windows-1256 cp1256 x-cp1256",
    "windows-1257": "windows-1257 cp1257 x-cp1257",
    "windows-1258": "windows-1258 cp1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gbk": "gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk",
    "gb18030": "gb18030",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "euc-jp cseucpkdfmtjapanese x-euc-jp euc_jp eucjp eucjp-win x-euc",
    "iso-2022-jp": "iso-2022-jp csiso2022jp jis",
    "shift_jis": "shift_jis csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis cp932 shiftjis sjis-win",
    "euc-kr": "euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 "
    "windows-949",
}
_LABELS = {label: charset for charset, labels in _TABLE.items() for label in labels.split()}

# Where Python's codec has another name, or where the web means a superset of what the label says.
_WIDER = {
    "ibm866": "cp866",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "windows-874": "cp874",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "iso-2022-jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
}
_CODECS = {name: _WIDER.get(name, name) for name in _TABLE}

# What the detector may answer, by its own names. It cannot tell Latin alphabets apart, so there is one of them.
_DETECTED = {
    "cp1252": _WESTERN,
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp874": "windows-874",
    "koi8_r": "koi8-r",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp949": "euc-kr",
}
