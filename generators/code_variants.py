"""What is asked for with a snippet of code: OSS-Instruct's prompt in the variants of PLaMo 2, worded by us."""

FORM = {
    "en": "Answer in three parts under these headings:\n[Problem]\n{problem}\n[Solution]\n{solution} Use {language} "
    "and its standard library, in one code block that prints nothing.\n[Tests]\nOne code block of `assert` statements "
    "that call the solution, which stands before them.",
    "ja": "次の三つの見出しのもとに答えてください。\n[問題]\n{problem}\n[解答]\n{solution}"
    "{language} とその標準ライブラリだけを使い、何も出力しない一つのコードブロックで書きます。\n[テスト]\n"
    "直前の解答を呼び出す assert 文を、一つのコードブロックで書きます。",
}
VARIANTS = {
    "instruct": {
        "en": (
            "You set problems for programmers. Let the snippet of the user inspire a new one.",
            "A problem that stands by itself: it says all that is needed to solve it, without the snippet.",
            "A complete and correct solution.",
        ),
        "ja": (
            "あなたはプログラミングの問題を作ります。ユーザーのコード片から着想を得て、新しい問題を一つ作ってください。",
            "それだけで解ける問題文。必要なことはすべて述べ、コード片には触れません。",
            "完全で正しい解答。",
        ),
    },
    "textbook": {
        "en": (
            "You write a textbook on programming. Let the snippet of the user inspire a section of it.",
            "An explanation of one idea, for a learner: what it is, why it is so, when it is used, and what example "
            "follows. The snippet is not mentioned.",
            "The example.",
        ),
        "ja": (
            "あなたはプログラミングの教科書を書きます。ユーザーのコード片から着想を得て、その一節を書いてください。",
            "一つの考え方についての、初学者のための説明。何であり、なぜそうなり、いつ使うのか、どんな例が続くのかを述べます。"
            "コード片には触れません。",
            "その例。",
        ),
    },
    "software": {
        "en": (
            "You specify small software. Let the snippet of the user inspire a library or a command-line tool.",
            "What it is for, its functions or options with their inputs, outputs and errors. The snippet is not "
            "mentioned.",
            "The whole of it; a command has a function `main(arguments)` that the tests can call.",
        ),
        "ja": (
            "あなたは小さなソフトウェアの仕様を決めます。ユーザーのコード片から着想を得て、ライブラリかコマンドを考えてください。",
            "その目的と、関数やオプションの入力、出力、エラー。コード片には触れません。",
            "その全体。コマンドには、テストから呼び出せる関数 main(arguments) を置きます。",
        ),
    },
}
ABOUT = {"en": "It is to be about: {topic}.", "ja": "題材：{topic}"}
TOPICS = {
    "en": ("tides", "a library", "bees", "train times", "recipes", "ledgers", "stars", "a queue at a shop", "rivers"),
    "ja": ("潮の満ち引き", "図書館", "蜂", "列車の時刻", "料理", "帳簿", "星", "店の行列", "川"),
}
