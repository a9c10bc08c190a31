"""Macro topics of programming, and the prompts that ask for lists of subtopics and problems, worded by us."""

MACRO = {
    "en": (
        *("sorting and searching", "text processing", "dates and times", "graphs", "numbers and rounding"),
        *("caches", "parsers", "simulation", "scheduling", "geometry", "combinatorics", "state machines", "matrices"),
        *("iterators", "error handling", "data validation", "compression", "games", "money", "file formats"),
    ),
    "ja": (
        *(
            "並べ替えと探索",
            "文字列処理",
            "日付と時刻",
            "グラフ",
            "数値と丸め",
            "キャッシュ",
            "構文解析",
            "シミュレーション",
        ),
        *("スケジューリング", "幾何", "組合せ", "状態機械", "行列", "イテレータ", "エラー処理", "データの検証", "圧縮"),
        *("ゲーム", "お金の計算", "ファイル形式"),
    ),
}
SUBTOPICS = {
    "en": "List {count} subtopics of the topic of the user, as they come up in programming. Write a numbered list of "
    "short names of a few words each, and nothing else.",
    "ja": "ユーザーの示す題材について、プログラミングで扱われる小題材を{count}個挙げてください。"
    "数語の短い名前を番号付きの箇条書きで書き、ほかには何も書かないでください。",
}
PROBLEMS = {
    "en": "Write {count} different problems for {language} on the topic of the user, for {level}. Each says all that "
    "is needed to solve it in one or two sentences on one line. Write a numbered list, and nothing else.",
    "ja": "ユーザーの示す題材で、{language} の問題を{count}問、{level}に向けて作ってください。"
    "それぞれ、解くのに必要なことをすべて一行の一、二文で述べます。番号付きの箇条書きだけを書いてください。",
}
LEVELS = {
    "beginner": {"en": "beginners", "ja": "初心者"},
    "intermediate": {"en": "programmers with some experience", "ja": "ある程度経験のあるプログラマー"},
    "advanced": {"en": "experts", "ja": "熟練者"},
}
ASKED = {"en": "Topic: {topic}\nUse: {keyword}", "ja": "題材：{topic}\n使うもの：{keyword}"}
