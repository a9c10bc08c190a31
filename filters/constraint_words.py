"""What parameters of constraints are drawn from, in our own words."""

from typing import NamedTuple

POOL = {
    "en": (
        *("garden", "river", "window", "market", "winter", "teacher", "bridge", "letter", "music", "kitchen", "forest"),
        *("travel", "mountain", "summer", "story", "coffee", "science", "village", "picture", "island", "future"),
    ),
    "ja": (
        *("庭", "川", "窓", "市場", "冬", "先生", "橋", "手紙", "音楽", "台所", "森"),
        *("旅", "山", "夏", "物語", "紅茶", "科学", "村", "写真", "島", "未来"),
    ),
}
_COMMON = """
    about above after again also another answer because before between could does doing down during each every explain
    from give have here into just like list make many more most much must name only other over please same should some
    such tell than that their them then there these they this those through under until very want were what when where
    which while will with without would write your
"""
COMMON = frozenset(_COMMON.split())  # words of questions that say nothing of what they are about


class Ends(NamedTuple):
    """How replies end."""

    phrases: tuple[str, ...]
    markers: tuple[str, ...]  # of postscripts


ENDS = {
    "en": Ends(
        ("That is all I have to say.", "Ask me more at any time.", "I hope this helps you on your way."),
        ("P.S.", "P.P.S"),
    ),
    "ja": Ends(
        ("以上が私の答えです。", "続きはいつでも聞いてください。", "お役に立てばうれしいです。"),
        ("追伸", "P.S."),
    ),
}
LANGUAGES = {  # ISO 639-1, which lid.176 knows: in English and Japanese
    "ar": ("Arabic", "アラビア語"),
    "bg": ("Bulgarian", "ブルガリア語"),
    "bn": ("Bengali", "ベンガル語"),
    "de": ("German", "ドイツ語"),
    "el": ("Greek", "ギリシャ語"),
    "en": ("English", "英語"),
    "es": ("Spanish", "スペイン語"),
    "fa": ("Persian", "ペルシア語"),
    "fi": ("Finnish", "フィンランド語"),
    "fr": ("French", "フランス語"),
    "gu": ("Gujarati", "グジャラート語"),
    "he": ("Hebrew", "ヘブライ語"),
    "hi": ("Hindi", "ヒンディー語"),
    "it": ("Italian", "イタリア語"),
    "ja": ("Japanese", "日本語"),
    "kn": ("Kannada", "カンナダ語"),
    "ko": ("Korean", "韓国語"),
    "ml": ("Malayalam", "マラヤーラム語"),
    "mr": ("Marathi", "マラーティー語"),
    "ne": ("Nepali", "ネパール語"),
    "pa": ("Punjabi", "パンジャーブ語"),
    "pt": ("Portuguese", "ポルトガル語"),
    "ru": ("Russian", "ロシア語"),
    "sw": ("Swahili", "スワヒリ語"),
    "ta": ("Tamil", "タミル語"),
    "te": ("Telugu", "テルグ語"),
    "th": ("Thai", "タイ語"),
    "uk": ("Ukrainian", "ウクライナ語"),
    "ur": ("Urdu", "ウルドゥー語"),
    "vi": ("Vietnamese", "ベトナム語"),
    "zh": ("Chinese", "中国語"),
}
