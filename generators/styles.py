"""What a text can be rewritten into: prompts of our own, and the limits that the papers set.

WRAP (Maini et al., ACL 2024): easy, wiki, hard, qa, of parts of 300 tokens. Nemotron-CC (Su et al., 2024): wikipedia,
diverse_qa, distill, extract, facts, each with its longest part and reply, its shortest part and rewrite. Style
conversion as in PLaMo 2 (2025), whose styles are not published: conversation, lecture, blog, news, diary. And one for
the smallest models: concise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Form: TypeAlias = Literal["text", "pairs", "list", "turns"]


@dataclass(frozen=True, slots=True)
class Style:
    """One way to rewrite a text."""

    prompts: Mapping[str, str]  # by language; {keep} is filled with KEEP
    form: Form = "text"
    prefix: Mapping[str, str] = field(default_factory=dict)  # what a reply has to begin with, by language; stripped
    part_tokens: int = 300  # longest part of a document
    least_part_tokens: int = 0  # shorter parts are left out
    max_tokens: int = 1_024  # of a reply; one that is cut there is refused
    least_tokens: int = 0  # of a rewrite, estimated
    with_source: bool = False  # the rewrite stands behind its source, in one row


KEEP = {
    "en": "Keep every fact and add none. Answer with the rewritten text only.",
    "ja": "事実を落とさず、付け加えず、書き直した文章だけを答えます。",
}
REWRITTEN = {"en": "Rewritten text:", "ja": "書き直した文章："}

WRAP = {
    "easy": Style(
        {
            "en": "You rewrite texts. Rewrite the input text in short sentences and small words, for a child. {keep}",
            "ja": "入力された文章を、小さな子どもにもわかる短い文とやさしい言葉で書き直してください。{keep}",
        }
    ),
    "wiki": Style(
        {
            "en": "You rewrite texts. Rewrite the input text in clear, high-quality English, like an encyclopedia. "
            "{keep}",
            "ja": "入力された文章を、百科事典の記事のような、明快で質の高い日本語に書き直してください。{keep}",
        }
    ),
    "hard": Style(
        {
            "en": "You rewrite texts. Rewrite the input text for experts: terse, precise, in learned words. {keep}",
            "ja": "入力された文章を、専門家に向けて、簡潔かつ厳密に、専門的な語彙を用いて書き直してください。{keep}",
        }
    ),
    "qa": Style(
        {
            "en": "You write quizzes. Turn the input text into questions and answers that cover all of it. Begin each "
            'with "Question:" and "Answer:".',
            "ja": "入力された文章の内容をすべて含む、質問と答えの組を書いてください。「質問：」「答え：」で始めます。",
        },
        form="pairs",
    ),
}
NEMOTRON = {
    "wikipedia": Style(
        {
            "en": "You rewrite texts. Say what the input text says in other words and other sentences, as an article "
            'of Wikipedia would. {keep} Begin with "Rewritten text:".',
            "ja": "入力された文章を、ウィキペディアの記事のような文体で、言い回しと文の組み立てを変えて"
            "書き直してください。{keep}「書き直した文章：」で始めます。",
        },
        prefix=REWRITTEN,
        part_tokens=512,
        least_part_tokens=5,
        max_tokens=512,
        least_tokens=50,
    ),
    "diverse_qa": Style(
        {
            "en": "You write quizzes. Ask up to 8 questions about the input text and answer them from it. Mix kinds: "
            "yes or no, open (what, who, when, where, why, how), a choice with the options in the question, a "
            "comparison, understanding of the whole, and a problem to solve where there is one. Ask about facts. Write "
            'plainly, without Markdown. Begin each with "Question:" and "Answer:", on a line each.',
            "ja": "入力された文章について、8問までの質問とその答えを書いてください。"
            "答えは文章からわかるものに限ります。"
            "はい・いいえで答える問い、何・誰・いつ・どこ・なぜ・どのようにを問うもの、選択肢を問いの中に示すもの、"
            "比べるもの、全体の理解を問うもの、解ける問題があればそれを解かせるものを混ぜます。事実を問います。"
            "装飾のない平易な文で、それぞれ行を変えて「質問：」「答え：」で始めます。",
        },
        form="pairs",
        part_tokens=1_000,
        least_part_tokens=30,
        max_tokens=600,
        least_tokens=100,
        with_source=True,
    ),
    "distill": Style(
        {
            "en": "You rewrite texts. Rewrite the input text more concisely, as accurate and as informative as it is: "
            "keep key ideas, figures, technical terms, examples and reasons, drop what is said twice or says nothing. "
            'Add nothing, format nothing. Begin with "Rewritten text:".',
            "ja": "入力された文章を、正確さと情報量を保ったまま簡潔に書き直してください。重要な考え、数値、専門用語、"
            "例、理由は残し、繰り返しや中身のない部分は除きます。何も付け加えず、装飾もしません。"
            "「書き直した文章：」で始めます。",
        },
        prefix=REWRITTEN,
        part_tokens=2_000,
        least_part_tokens=10,
        max_tokens=1_600,
        least_tokens=50,
    ),
    "extract": Style(
        {
            "en": "You write textbooks. Rewrite what can be learned from the input text as one or more passages in "
            "plain, careful English. Leave out what teaches nothing. Keep examples, reasons and evidence; change and "
            "add no detail. Write no headings, notes or comments.",
            "ja": "入力された文章から学べることを、教科書のような平易で丁寧な文章に書き直してください。"
            "学びにならない部分は除きます。例、理由、根拠は残し、細部を変えたり付け加えたりしません。"
            "見出し、注、感想は書きません。",
        },
        part_tokens=1_400,
        least_part_tokens=30,
        max_tokens=1_400,
        least_tokens=50,
    ),
    "facts": Style(
        {
            "en": "You take notes. List the facts, details, key ideas and figures that the input text gives, each "
            'clear by itself. Begin every line with "- ". Write no headings.',
            "ja": "入力された文章に書かれている事実、詳細、重要な考え、数値を、一つずつ単独で意味が通るように"
            "書き出してください。どの行も「- 」で始めます。見出しは書きません。",
        },
        form="list",
        part_tokens=1_000,
        least_part_tokens=30,
        max_tokens=600,
        least_tokens=50,
    ),
}
CONVERSION = {
    "conversation": Style(
        {
            "en": "You write dialogues. Turn the input text into a conversation: A wants to know, B explains, and all "
            'that the text says is said. Begin every turn with "A:" or "B:". Keep every fact and add none.',
            "ja": "入力された文章を、知りたいAと説明するBの会話に書き直してください。文章の内容はすべて会話に含めます。"
            "どの発言も「A：」か「B：」で始めます。事実を落とさず、付け加えません。",
        },
        form="turns",
    ),
    "lecture": Style(
        {
            "en": "You teach. Turn the input text into what a teacher says in class, who leads from one thing to the "
            "next and speaks to the students. {keep}",
            "ja": "入力された文章を、教師が授業で生徒に語りかけながら順を追って説明する講義の口調に"
            "書き直してください。{keep}",
        }
    ),
    "blog": Style(
        {
            "en": "You write a blog. Turn the input text into a post in a friendly, lively voice. {keep}",
            "ja": "入力された文章を、読者に親しく語りかけるブログ記事に書き直してください。{keep}",
        }
    ),
    "news": Style(
        {
            "en": "You write news. Turn the input text into a news report: what matters most comes first, the tone is "
            "neutral. {keep}",
            "ja": "入力された文章を、最も重要なことから述べる中立的なニュース記事に書き直してください。{keep}",
        }
    ),
    "diary": Style(
        {
            "en": "Turn the input text into an entry in the diary of somebody who learned all of this today. {keep}",
            "ja": "入力された文章を、今日それを学んだ人が書く日記に書き直してください。{keep}",
        }
    ),
}
SMALL = {
    "concise": Style(
        {
            "en": "You rewrite texts. Rewrite the input text to make it more concise while keeping its meaning.",
            "ja": "入力された文章を、意味を保ったまま簡潔に書き直してください。書き直した文章だけを答えます。",
        }
    ),
}
STYLES: Mapping[str, Style] = {**WRAP, **NEMOTRON, **CONVERSION, **SMALL}
