"""Names, dates, figures and compound nouns in Japanese, from the parts of speech that SudachiPy gives.

What spaCy's entities and noun chunks are to the English of Self-Tuning: a run of nouns that holds a proper noun is a
name, one that holds a numeral is a figure or a date, and one of several nouns is a term; a single common noun is none.
Quoted titles count too. Japanese has no prepositions to cut behind: its sentences end in a noun phrase, a particle and
a predicate, and it is before that phrase that a sentence is cut.
"""

import re
from collections.abc import Iterator

from filters.japanese_words import Word, tagged_words
from generators.mentions import Kind, Mention, Reader, Sentence

MIN_CHARS, MAX_CHARS = 12, 250  # of a sentence that one can be asked about
LONGEST_MENTION = 30  # characters
LEAST_LEFT = 6  # characters of a sentence before its last phrase

# It matches any text, so that none is read twice: those without a mark at their end are left out below.
_SENTENCE = re.compile(
    r"(?>「[^「」\n]*」|『[^『』\n]*』|（[^（）\n]*）|\([^()\n]*\)|[^。！？!?\n])++(?:[。！？!?]+[」』）)]*)?"
)
_END = re.compile(r"[。！？!?][」』）)]*$")
_MARK = re.compile(r"[。！？!?]+$")
_QUOTED = re.compile(r"「([^「」。、！？\n]{2,20})」|『([^『』。\n]{2,30})』")
_FORMAL_NOUNS = """
    こと もの ため よう とき 時 ところ 所 わけ 訳 ほか 他 うち 内 中 上 下 間 方 ほう 点 際 場合
    まま とおり 通り  はず 以下 以上 以外 一つ 一部 多く それぞれ 場 後 前 頃 ごろ 一人 人
"""
_FORMAL = frozenset(_FORMAL_NOUNS.split())  # say nothing alone
_GRAMMAR = frozenset([word for word in _FORMAL if all("ぁ" <= letter <= "ん" for letter in word)])
_WEAK = frozenset(["必要", "可能性", "特徴", "傾向", "様子", "予定", "一種", "そのまま"])  # to end a sentence with
_JOINTS = frozenset("・=＝゠")  # between the parts of foreign names, in katakana; else between items
_KATAKANA = re.compile("[ァ-ヺー][・=＝゠][ァ-ヺ]")
_UNITS = frozenset(["世紀", "年代", "か所", "カ所", "か国", "カ国", "か月", "カ月", "年間", "年度"])
_DATED = frozenset(["年", "月", "日", "世紀", "年代", "年度"])
_SURU = ("し", "さ", "す", "せ", "でき", "出来", "いた", "致")
_LIST_MARKS = " \t\u3000-*・•●■◆○◎※▼▲"
_TORN = re.compile("[A-Za-z0-9]{2}")
_LETTERS = re.compile(r"[^\W_]")


def sentences(text: str) -> list[Sentence]:
    """Return the whole sentences of a text, without headings and items of lists, and what they mention."""
    found = [match.group().strip(_LIST_MARKS) for match in _SENTENCE.finditer(text)]
    return [
        Sentence(sentence, tuple(_mentions(sentence)))
        for sentence in found
        if MIN_CHARS <= len(sentence) <= MAX_CHARS and _END.search(sentence)
    ]


def last_phrase(sentence: str) -> tuple[int, int] | None:
    """Return where the last noun phrase stands, with the predicate behind it and without the full stop."""
    mark = _MARK.search(sentence)
    if mark is None:
        return None
    words = tagged_words(sentence[: mark.start()])
    place = _before_predicate(words)
    if 0 < place < len(words) and words[place - 1].part_of_speech[0] == "助詞":
        place -= 1
        if place and words[place - 1].part_of_speech[1] == "格助詞":  # には, からも
            place -= 1
    end = place
    while place and _is_nominal(words[place - 1]):
        place -= 1
    if end < len(words) and words[end].part_of_speech[0] != "助詞" and _is_quality(words[place:end]):
        return None
    phrase = sentence[words[place].start : words[end - 1].end] if place < end else ""
    if len(phrase) < 2 or phrase in _FORMAL | _WEAK or words[place].start < LEAST_LEFT or _is_cut_off(words, place):
        return None
    return words[place].start, mark.start()


def _before_predicate(words: list[Word]) -> int:
    """Return the place of the first word of the predicate that ends a sentence."""
    place = len(words)
    while place and _is_predicate(words[place - 1]):
        place -= 1
    if 0 < place < len(words) and _is_done(words[place - 1], words[place]):
        place -= 1
    return place


def _is_predicate(word: Word) -> bool:
    kind, inner = word.part_of_speech[:2]
    return kind in {"動詞", "助動詞", "形容詞", "形状詞"} or inner in {"接続助詞", "終助詞", "動詞的", "形容詞的"}


def _is_done(noun: Word, verb: Word) -> bool:
    """Tell whether a noun is made a verb by the next word, as 調査 by した."""
    is_suru = verb.part_of_speech[:2] == ("動詞", "非自立可能") and verb.text.startswith(_SURU)
    return is_suru and noun.part_of_speech[2] in {"サ変可能", "サ変形状詞可能"}


def _is_quality(run: list[Word]) -> bool:
    """Tell whether a noun before である says how something is, as 不明 does, and not what."""
    return len(run) == 1 and "形状詞" in run[0].part_of_speech[2]


def _is_cut_off(words: list[Word], place: int) -> bool:
    """Tell whether what stands before a phrase belongs to its first word."""
    before = words[place - 1]
    return before.part_of_speech[0] in {"補助記号", "記号", "形状詞", "接頭辞"} and before.text not in {"、", "，", ","}


def _mentions(sentence: str) -> Iterator[Mention]:
    words = tagged_words(sentence)
    quoted = {match.start(match.lastindex or 0): match for match in _QUOTED.finditer(sentence)}
    place, behind = 0, 0
    while place < len(words):
        start = words[place].start
        if start in quoted:
            title = quoted[start]
            text = title.group(title.lastindex or 0)
            last = next(word for word in reversed(words) if word.start < start + len(text))
            if _LETTERS.search(text) and last.part_of_speech[0] in {"名詞", "接尾辞", "補助記号"}:
                yield Mention(text, start, "title")
            behind = title.end()
        if start < behind:
            place += 1
            continue
        end = _end_of_run(words, place)
        if end > place:
            yield from _mention(sentence, words[place:end], words[end] if end < len(words) else None)
        place = max(end, place + 1)


def _end_of_run(words: list[Word], place: int) -> int:
    """Return the end of the nouns that begin at a place. A numeral begins a run of its own, but for that of an era."""
    end = place
    while end < len(words) and _is_nominal(words[end], first=end == place):
        if words[end].text in _JOINTS and not _KATAKANA.search(_around(words, end)):
            break
        if end > place and _is_numeral(words, end) and not _is_numeral(words, end - 1):
            is_era = end - 1 == place and words[place].part_of_speech[1] == "固有名詞"
            if not is_era and words[end - 1].text not in _DATED:
                break
        if end > place and words[place].text != "第" and _has_numeral(words[place:end]) and not _counts(words, end):
            break
        end += 1
    return end


def _around(words: list[Word], place: int) -> str:
    return "".join([word.text for word in words[place - 1 : place + 2]])


def _mention(sentence: str, run: list[Word], following: Word | None) -> Iterator[Mention]:
    """Yield a run of nouns as a mention, if it is one."""
    if following is not None and following.part_of_speech[1] == "形状詞的":  # 的: an adjective
        return
    if following is not None and _is_done(run[-1], following):
        run = run[:-1]
    while run and (run[-1].part_of_speech[0] in {"接頭辞", "補助記号"} or run[-1].part_of_speech[2] == "副詞可能"):
        run = run[:-1]
    kind = _kind(run)
    if kind is None:
        return
    text = sentence[run[0].start : run[-1].end]
    if 2 <= len(text) <= LONGEST_MENTION and text not in _FORMAL and not _is_torn(sentence, run):
        yield Mention(text, run[0].start, kind)


def _is_torn(sentence: str, run: list[Word]) -> bool:
    """Tell whether Latin letters or digits go on beyond a run, as in V2500."""
    around = (sentence[max(0, run[0].start - 1) : run[0].start + 1], sentence[run[-1].end - 1 : run[-1].end + 1])
    return any(_TORN.fullmatch(pair) for pair in around)


def _kind(run: list[Word]) -> Kind | None:
    if not run:
        return None
    if _has_numeral(run):
        if any(word.text in _DATED for word in run):
            return "date"
        is_named = run[0].text == "第" and not _counts(run, len(run) - 1)  # 第二次世界大戦
        return "name" if is_named or any(word.part_of_speech[1] == "固有名詞" for word in run) else "number"
    if any(word.part_of_speech[1] == "固有名詞" for word in run):
        return "name"
    nouns = [word for word in run if word.part_of_speech[0] == "名詞" and len(word.text) > 1]
    return "term" if len(nouns) > 1 else None


def _is_nominal(word: Word, *, first: bool = False) -> bool:
    kind, inner = word.part_of_speech[:2]
    if kind == "名詞":
        return inner != "助動詞語幹" and word.text not in (_FORMAL if first else _GRAMMAR)
    return (
        (kind == "接頭辞")
        or (kind == "接尾辞" and inner == "名詞的" and not first)
        or (word.text in _JOINTS and not first)
    )


def _is_numeral(words: list[Word], place: int) -> bool:
    word = words[place]
    if word.part_of_speech[0] == "接頭辞" and place + 1 < len(words):  # 約15, 第3
        word = words[place + 1]
    return word.part_of_speech[1] == "数詞"


def _has_numeral(run: list[Word]) -> bool:
    return any(word.part_of_speech[1] == "数詞" for word in run)


def _counts(words: list[Word], place: int) -> bool:
    """Tell whether a word behind a numeral belongs to it: another one, a counter, a suffix."""
    word = words[place]
    detail = word.part_of_speech[2]
    return (
        word.part_of_speech[1] == "数詞"
        or word.part_of_speech[0] == "接尾辞"
        or detail in {"助数詞可能", "助数詞"}
        or word.text in _UNITS
    )


JAPANESE = Reader(sentences, last_phrase)
