import pytest
from lxml.html import document_fromstring

from filters.cc_licence import Declared, cc_licence, cc_licences, mentions_cc
from filters.cc_names import from_address, from_name

BY = "https://creativecommons.org/licenses/by/4.0/"
SA = "https://creativecommons.org/licenses/by-sa/3.0/"


def licence(body: str, head: str = "") -> str | None:
    html = f"<html><head><title>CC BY 1.0 licensed</title>{head}</head><body><p>Some text.</p>{body}</body></html>"
    found = cc_licence(document_fromstring(html))
    assert found is None or mentions_cc(html.encode().lower())
    return found


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://creativecommons.org/licenses/by-sa/3.0/de/deed.ja", "CC-BY-SA-3.0-DE"),
        ("//www.creativecommons.org/licenses/by-nc-nd/2.5/legalcode", "CC-BY-NC-ND-2.5"),
        ("https://creativecommons.org/licenses/by-sa/2.1/jp/", "CC-BY-SA-2.1-JP"),
        ("https://creativecommons.org/licenses/by/2.1/jp/", "LicenseRef-CC-BY-2.1-JP"),
        ("https://creativecommons.org/licenses/by/3.0/igo/", "CC-BY-3.0-IGO"),
        ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        ("https://creativecommons.org/licenses/by/", "LicenseRef-CC-BY"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.ja", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://creativecommons.org/licenses/publicdomain/", "CC-PDDC"),
        ("https://creativecommons.org/licenses/", None),
        ("https://creativecommons.org/licenses/by-nd-sa/4.0/", None),  # no such licence
        ("https://creativecommons.org/licenses/by-ncx/4.0/", None),
        ("https://notcreativecommons.org/licenses/by/4.0/", None),
        ("https://example.com/?to=creativecommons.org/licenses/by/4.0/", None),
    ],
)
def test_addresses_of_deeds_have_spdx_identifiers(address, expected):
    assert from_address(address) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("cc-by-nc-nd-3.0", "CC-BY-NC-ND-3.0"),
        ("CC BY 3.0 DE", "CC-BY-3.0-DE"),
        ("CC BY 3.0 in print", "CC-BY-3.0"),
        ("CC BY 4.0 JP", "CC-BY-4.0"),  # version 4.0 was ported nowhere
        ("CC BY", "LicenseRef-CC-BY"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("Public Domain Mark 1.0", "CC-PDM-1.0"),
        ("Creative Commons Attribution-ShareAlike 4.0 International License", "CC-BY-SA-4.0"),
        ("Creative Commons Attribution License (CC BY 4.0)", "CC-BY-4.0"),
        ("Creative Commons Attribution, Non-Commercial, No Derivative Works 2.5", "CC-BY-NC-ND-2.5"),
        ("Creative Commons Attribution 3.0 United States", "CC-BY-3.0-US"),
        ("クリエイティブ・コモンズ・ライセンス（表示4.0 国際）", "CC-BY-4.0"),
        ("クリエイティブ・コモンズ 表示 - 非営利 - 継承 2.1 日本", "LicenseRef-CC-BY-NC-SA-2.1-JP"),
        ("Creative Commons", None),
        ("cc: Byron 3.0", None),
        ("#cc0000", None),
    ],
)
def test_names_of_licences_have_spdx_identifiers(name, expected):
    assert from_name(name) == expected


@pytest.mark.parametrize(
    ("body", "head", "kind"),
    [
        ("", f'<link rel="license" href="{BY}">', "link"),
        (f'<a rel="nofollow license" href="{BY}deed.ja">this</a>', "", "rel"),
        (f'<span property="dct:license" resource="{BY}">this</span>', "", "property"),
        ('<span itemprop="license">CC BY 4.0</span>', "", "property"),
        ("", f'<meta name="DC.rights" content="{BY}">', "meta"),
        ("", '<meta name="dcterms.license" content="CC BY 4.0">', "meta"),
        (
            "",
            f'<script type="application/ld+json">{{"@graph": [{{"license": {{"@id": "{BY}"}}}}]}}</script>',
            "json-ld",
        ),
        (f'<div>Licensed under <a href="{BY}">this one</a></div>', "", "anchor"),
        ("<footer>This page is licensed under CC BY 4.0.</footer>", "", "text"),
        (
            "<footer>この文書はクリエイティブ・コモンズ 表示 4.0 国際 ライセンスの下に提供されています。</footer>",
            "",
            "text",
        ),
    ],
)
def test_a_page_declares_its_licence_in_seven_ways(body, head, kind):
    tree = document_fromstring(f"<html><head>{head}</head><body><p>Text.</p>{body}</body></html>")
    assert Declared("CC-BY-4.0", kind) == cc_licences(tree)[0]
    assert licence(body, head) == "CC-BY-4.0"


@pytest.mark.parametrize(
    "body",
    [
        "",
        f'<p>Read <a href="{BY}">this deed</a>.</p>',  # a link, and no word of a licence
        "<p>CC BY 4.0 is short for something.</p>",
        f'<script>var licence = "{BY}"</script>',
        f"<!-- licensed under {BY} -->",
        '<a rel="license" href="/licence.html">All rights reserved</a>',
        '<script type="application/ld+json">{"license": "MIT"}</script>',
    ],
)
def test_what_declares_nothing_gives_nothing(body):
    assert licence(body) is None


def test_the_strongest_declaration_decides():
    assert licence(f'<a rel="license" href="{SA}">x</a>', f'<link rel="license" href="{BY}">') == "CC-BY-4.0"
    assert (
        licence(f'<p>Photo licensed <a href="{SA}">so</a></p>', f'<meta name="dc.rights" content="{BY}">')
        == "CC-BY-4.0"
    )


def test_a_page_that_names_two_licences_alike_has_none():
    gallery = "".join(f'<a rel="license" href="{deed}">x</a>' for deed in (BY, SA))
    assert licence(gallery) is None
    assert {found.licence for found in cc_licences(document_fromstring(f"<p>{gallery}</p>"))} == {
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
    }
    assert licence(f'<a rel="license" href="{BY}">x</a>' * 2) == "CC-BY-4.0"


@pytest.mark.parametrize(
    "hostile",
    [
        '<script type="application/ld+json">' + "[" * 50_000 + "</script>",
        '<script type="application/ld+json">{"license": </script>',
        '<script type="application/ld+json">{"license": [1, null, {"@id": 3}]}</script>',
        '<div property="license">' * 2_000 + "CC",
        "<p>licensed " + "creative commons " * 5_000,
        f'<a href="{BY}">' * 500 + "x" * 10_000,
    ],
)
def test_hostile_pages_are_read_in_time(hostile):
    assert licence(hostile) in {None, "CC-BY-4.0"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        *((words, True) for words in ("CC BY", "cc-by-sa", "CC0", "CC 0", "cc-0", "CC Zero", "Creative Commons")),
        *((words, True) for words in ("クリエイティブ・コモンズ", "Public Domain Mark")),
        *((words, False) for words in ("access by", "ccby", "cc-zero", "soccer 0", "public domain")),
    ],
)
def test_the_look_at_the_bytes_finds_every_writing_of_the_name(words, expected):
    assert mentions_cc(f"<p>{words}</p>".encode().lower()) is expected
