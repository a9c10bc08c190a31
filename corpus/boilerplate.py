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
    "facet facets refinement refinements switcher logo",
    FOOTER: "footer sitefooter colophon copyright",
    HEADER: "masthead siteheader topbar globalheader",
    SIDE: "sidebar side aside rail sidenav leftcol rightcol leftside rightside sidemenu",
    RELATED: "related relatedposts recommend recommended recommends recommendation recommendations similar popular "
    "trending ranking upsell upsells crosssell crosssells kanren osusume suggested suggestions yarpp outbrain taboola "
    "recirc readnext readmore seealso prevnext latest archive archives categories",
    COMMENT: "comment comments commentlist disqus respond commentform",
    SHARE: "share sharing shares sharedaddy sharebar social socials sns addtoany addthis tweet hatena sharelinks",
    BYLINE: "byline author authors meta postmeta entrymeta tags taglist avatar timestamp authorbio authorbox signature "
    "votes actions taxonomy messageuser messageuserdetails messageattribution postprofile posthead poster posterinfo "
    "usertitle userinfo",
    ADVERT: "advert advertisement advertising sponsor sponsored adsense adsbygoogle dfp adslot",
    POPUP: "cookie cookies consent gdpr modal popup overlay newsletter subscribe subscription signup login signin "
    "cart minicart basket lightbox optin mailchimp onetrust wishlist drawer offcanvas toast searchform form dialog "
    "account cmplz",
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
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NAME_CHARS = 300  # a longer one is made by a machine


@lru_cache(1 << 14)
def signals(names: str) -> int:
    """Return the groups of the words in a class or id, as bits."""
    found = 0
    names = names[:_NAME_CHARS]
    if ":" in names:  # "sidebar-filled:rounded" says what becomes of it beside a sidebar
        names = " ".join([name for name in names.split() if ":" not in name])
    for word in _WORD.findall(names):
        found |= _MEANS.get(word.lower(), 0)
    for name in names.lower().split():  # "side-bar", "cross_sell"
        found |= _MEANS.get(name.replace("-", "").replace("_", ""), 0)
    return found
