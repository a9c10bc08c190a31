"""What the names in a page's markup say: words of `class`, `id` and `role`, in English and Japanese.

    >>> signals("related-posts sidebarLeft") == RELATED | SIDE | CONTENT
    True

One word is a hint and never a verdict: what becomes of an element is decided in corpus.main_text, where its text, its
links and its share of the page are known too.
"""

import re
from functools import lru_cache

(
    NAVIGATION,  # menus, breadcrumbs, page numbers
    FOOTER,
    HEADER,
    SIDE,
    RELATED,  # links to other pages of the site
    COMMENT,
    SHARE,
    BYLINE,  # author, date, tags
    ADVERT,
    POPUP,  # cookies, newsletters, logins, carts
    HIDDEN,  # only for screen readers, or not at all
    CONTENT,
    POST,  # one turn of a discussion
    BODY,  # the text of one article and nothing else
) = (1 << place for place in range(14))

_WORDS = {
    NAVIGATION: "nav navbar navigation navi gnav gnavi menu menus menubar submenu megamenu breadcrumb breadcrumbs "
    "crumb crumbs pagination pager paging paginator pagenav toc tableofcontents topbar toolbar skiplink sitemap "
    "pankuzu topicpath dropdown navlink subnav navmenu gnb lnav mega flyout hamburger burger linklist filter filters "
    "facet facets refinement refinements switcher",
    FOOTER: "footer sitefooter colophon copyright",
    HEADER: "masthead siteheader topbar globalheader",
    SIDE: "sidebar side aside rail sidenav leftcol rightcol leftside rightside sidemenu",
    RELATED: "related relatedposts recommend recommended recommends recommendation recommendations similar popular "
    "trending ranking upsell upsells crosssell crosssells kanren osusume suggested suggestions yarpp outbrain taboola "
    "recirc readnext readmore seealso prevnext latest archive archives categories",
    COMMENT: "comment comments commentlist disqus respond commentform",
    SHARE: "share sharing shares sharedaddy sharebar social socials sns addtoany addthis tweet hatena sharelinks",
    BYLINE: "byline author authors meta postmeta entrymeta tags taglist avatar timestamp authorbio authorbox signature "
    "vote votes voting votecell actions taxonomy messageuser messageuserdetails messageattribution "
    "postprofile posthead poster posterinfo "
    "usertitle userinfo",
    ADVERT: "advert advertisement advertising sponsor sponsored adsense adsbygoogle dfp adslot",
    POPUP: "cookie cookies consent gdpr modal popup overlay newsletter subscribe subscription signup login signin "
    "cart minicart basket lightbox optin mailchimp onetrust wishlist drawer offcanvas toast searchform form dialog "
    "account cmplz cookiebanner cookiebar cookieconsent cookienotice",
    HIDDEN: "visuallyhidden offscreen noprint screenreader sronly skip",
    CONTENT: "content contents article post entry body main story text description prose markdown wysiwyg rte richtext "
    "honbun kiji articlebody postbody entrycontent postcontent maincontent hentry",
    BODY: "articlebody articletext articlecontent articlemain entrycontent entrybody postcontent storybody storytext "
    "blogcontent blogbody newsbody newstext kijibody honbun markdownbody articledetail maintext bodytext",
    POST: "post posts postbody message answer answers question thread topic reply replies discussion usertext comment "
    "cooked msg",
}
_MEANS: dict[str, int] = {}
for _group, _words in _WORDS.items():
    for _word in _words.split():
        _MEANS[_word] = _MEANS.get(_word, 0) | _group
# A block that is one of these and nothing else is a button, wherever it stands.
_BUTTON = re.compile(
    r"click to expand\W*|add (?:a )?comment\W*|start asking to get answers|ask (?:a )?question|"
    r"explore related questions|"
    r"find the answer to your question by asking\W*|see similar questions with these tags\W*|"
    r"(?:read|learn|see|view|show|load) (?:more|all|less)\W*|shop (?:now|all)\W*|loading\W*|close|\d+ likes?|"
    r"you must (?:log ?in|be logged in|be registered)\b.{0,60}|(?:skip|jump) to (?:main )?content|back to top|"
    r"sign (?:up|in)|log ?in|register|copy(?: link| code)?|code:? ?select all|コードをコピー|"
    r"reply|share(?: this)?|tweet|print|follow|subscribe|advertisement|"
    r"previous next|next(?: page)?\W*|previous(?: page)?|buy now|"
    r"add to (?:cart|bag|basket|wishlist)|last edited:?.{0,40}|"
    r"続きを(?:読む|見る)\W*|もっと(?:見る|読む)\W*|(?:一覧|詳細)を見る|(?:\d[\d|｜ ]*)?(?:次|前)の?ページ(?:へ)?\W*|"
    r"\W*(?:この?ページの)?(?:ページ)?(?:トップ|先頭|上)(?:へ|に)(?:戻る)?|"
    r"\W*page ?top|シェア(?:する)?|ツイート(?:する)?|"
    r"\{\{.*\}\}|いいね\W*|広告|スポンサーリンク|コメント(?:する|を書く)|ログイン|(?:新規)?(?:会員)?登録|送信|閉じる|印刷(?:する)?",
    re.IGNORECASE,
)
_BUTTON_CHARS = 80
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# "has-sidebar", "no-sidebar" and Tailwind's "sidebar-filled:rounded" tell of something else that is there or not.
_BESIDE = re.compile(r":|^(?:has|no|with|without|when)[-_]", re.IGNORECASE)
_NAMES_CHARS = 300  # a longer one is made by a machine


def signals(names: str) -> int:
    """Return the groups of the words in a class or id, as bits."""
    found = 0
    for name in names[:_NAMES_CHARS].split():
        found |= _signal(name)
    return found


@lru_cache(1 << 16)
def _signal(name: str) -> int:
    if _BESIDE.search(name):
        return 0
    found = _MEANS.get(name.lower().replace("-", "").replace("_", ""), 0)  # "side-bar", "cross_sell"
    for word in _WORD.findall(name):
        found |= _MEANS.get(word.lower(), 0)
    return found


def is_button(text: str) -> bool:
    """Tell whether a block is a word on a button ("Read more", "シェア"), or a sign without a letter."""
    if len(text) > _BUTTON_CHARS:
        return False
    return _BUTTON.fullmatch(text) is not None or (len(text) < 4 and not any(map(str.isalnum, text)))
