"""Replies in which a model declines to do what it was asked, in English and Japanese.

    >>> declines("I'm sorry, but I can't help with that."), declines("「お手伝いできません」と駅員は言った。")
    (True, False)

A refusal begins the reply, in the model's own voice, and is most of it. A text that quotes one, tells of one or is
about them is none; nor is one that was asked for: the rewrite or the translation of a text that declines itself.
"""

import re
import unicodedata

MOST_CHARS = 1_200  # of a refusal with its reasons and its offers; what is longer has something to say
BEGINNING = 400  # characters in which a model says that it will not

_APOLOGY = (
    r"(?:(?:(?:i'm|i am|we're|we are) (?:(?:very|so|really|truly) )?(?:sorry|afraid)|(?:my )?apologies|sorry|"
    r"unfortunately|i (?:must )?apologi[sz]e(?: for [^.,!?]{1,40})?|i regret to say)[,.!;: —-]*"
    r"(?:but |that |however,? )?)"
)
_PREAMBLE = (
    r"(?:i (?:understand|appreciate|know|see) [^.!?]{1,160}?, but |"
    r"as an? (?:[a-z]+ )?(?:ai|artificial intelligence|language model|llm)\b[^.,]{0,40}, |"
    r"i(?:'m| am) (?:just |only )?an? (?:[a-z]+ )?(?:ai|artificial intelligence|language model)\b[^.,;]{0,60}[.,;] "
    r"(?:and |so |but )?)"
)
_CANNOT = (
    r"i(?: cannot| can not| can't| could not| couldn't| won't| will not|(?:'m| am) (?:unable|not able|not allowed|"
    r"not permitted|not programmed|not comfortable|not going) ?(?:to|with)?| (?:don't|do not) feel comfortable|"
    r" (?:must|have to|need to) (?:decline|refuse)(?: to)?)"
)
_ASSIST = r"(?:help|assist|comply|fulfil|fulfill|proceed|engage|participate|support|helping|assisting)\b"
_NOT_SO = r"(?! (?:but|thinking|feeling|wondering|noticing|smiling|laughing|it|myself|being|loving|you because i)\b)"
_MAKE = (
    r"(?:do (?:that|this)(?=[.,;!]|$)|"
    r"(?:provide|providing|create|creating|generate|generating|write|writing|produce|translate|translating|rewrite|"
    r"rewriting|summari[sz]e|paraphrase|answer|answering|respond|complete|discuss|continue|share|offer|give)\b"
    r"(?: (?:to )?(?:that|this|it)(?=[.,;!]|$)|"
    r"[^.!?]{0,60}?\b(?:requests?|questions?|prompts?|content|materials?|information|instructions?|translations?|texts?|"
    r"tasks?|advice|assistance|paraphrase|summary|answer|response)\b))"
)
_EN = re.compile(rf"{_APOLOGY}?{_PREAMBLE}?{_APOLOGY}?{_CANNOT} (?:{_ASSIST}{_NOT_SO}|{_MAKE})")
_TOLD_EN = re.compile(r"\b(?:said|says|thought|replied|told|asked|whispered|cried|answered|wrote|he|she|they)\b")

_SORRY_JA = r"(?:大変|誠に|まことに)?(?:申し訳|すみません|すいません|ごめんなさい|恐れ入り|恐縮|残念ながら|残念です)"
_ROLE_JA = (
    r"(?:(?:私|わたし)[はも]?、?(?:大規模|生成)?(?:AI|人工知能|言語モデル|アシスタント)|"
    r"(?:大規模|生成)?(?:AI|人工知能|言語モデル)(?:アシスタント|モデル|言語モデル)?(?:として|なので|ですので|であるため|のため))"
)
_WANTED_JA = (
    r"(?:その|この|そのような|このような|ご|そうした)(?:ご)?(?:要望|要求|依頼|質問|リクエスト|内容|指示|お願い|文章)"
)
_CANNOT_JA = (
    r"(?:手伝い|手伝う|答え|答える|応え|応える|応じる|回答|応答|対応|提供|翻訳|要約|生成|作成|協力|支援|サポート|受け|"
    r"執筆|案内|続ける|従う)(?:する|すること|こと|いたす)?[はがを]?(?:でき(?:ません|かねます)|出来(?:ません|かねます)|"
    r"(?:いたし|致し|し)?かねます)"
)
_JA = re.compile(
    rf"(?:{_SORRY_JA}|{_ROLE_JA}|{_WANTED_JA})[^「」『』\n]{{0,120}}?{_CANNOT_JA}(?!」|』|と[言述答話い伝説思書])"
)


def declines(reply: str, asked: str = "") -> bool:
    """Tell whether a reply is a refusal. `asked`: the text that it was to be made of."""
    return len(reply) <= MOST_CHARS and _begins(reply) and not _begins(asked)


def _begins(text: str) -> bool:
    start = " ".join(unicodedata.normalize("NFKC", text[: 2 * BEGINNING]).split())[:BEGINNING].replace("’", "'")
    english = _EN.match(start.lower())
    if english:
        sentence = re.split(r"[.!?](?: |$)", start.lower()[english.end() :], maxsplit=1)[0]
        return not _TOLD_EN.search(sentence)
    return bool(_JA.match(start))
