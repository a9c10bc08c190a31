"""What Self-Tuning says to a model, in English and in Japanese."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """The prompts of all tasks in one language. A title or a text stands in them as it is."""

    memorisation: str  # {title}, {text}
    summarisation: str
    gist: str
    nli: str  # {sentence}, {options}
    teaching: str  # {title}
    flash_cards: str  # {title}, {keywords}
    flash_cards_untitled: str  # {keywords}
    blank: str  # {topic}, {sentence}
    choice: str  # {topic}, {sentence}, {options}
    completion: str  # {topic}, {beginning}
    open_book: str  # {text}, {question}
    topic: str  # {title}; stands before a sentence that is asked about
    option: str  # {text}; one line
    prompt: str  # {question}; of rows that are one text
    yes: str
    no: str
    unknown: str
    mark: str  # stands for what was left out
    joint: str  # between keywords


ENGLISH = Wording(
    memorisation="{title}\n\n{text}",
    summarisation="Write a title for the text above.",
    gist="List the names, dates and figures that the text above mentions.",
    nli="Does the following hold, by the text above?\n{sentence}\n\nOptions:\n{options}",
    teaching="Tell me about this topic: {title}",
    flash_cards="Write a description of {title} with these keywords: {keywords}",
    flash_cards_untitled="Write a description with these keywords: {keywords}",
    blank="What belongs in the gap?\n{topic}{sentence}",
    choice="Which option belongs in the gap?\n{topic}{sentence}\n\nOptions:\n{options}",
    completion="How does this sentence go on?\n{topic}{beginning}:",
    open_book="{text}\n\n{question}",
    topic="({title}) ",
    option="- {text}\n",
    prompt="{question}\nAnswer: ",
    yes="Yes",
    no="No",
    unknown="It's impossible to say",
    mark="____",
    joint="; ",
)
JAPANESE = Wording(
    memorisation="{title}\n\n{text}",
    summarisation="上の文章に題名をつけてください。",
    gist="上の文章に出てくる固有名詞、用語、日付、数値を挙げてください。",
    nli="上の文章から、次のように言えますか。\n{sentence}\n\n選択肢：\n{options}",
    teaching="次の題目について説明してください：{title}",
    flash_cards="次のキーワードを使って、「{title}」を説明する文章を書いてください：{keywords}",
    flash_cards_untitled="次のキーワードを使って、説明文を書いてください：{keywords}",
    blank="空欄に入る言葉を答えてください。\n{topic}{sentence}",
    choice="空欄に入る言葉を選択肢から選んでください。\n{topic}{sentence}\n\n選択肢：\n{options}",
    completion="次の文の続きを書いてください。\n{topic}{beginning}：",
    open_book="{text}\n\n{question}",
    topic="（{title}）",
    option="・{text}\n",
    prompt="{question}\n答え：",
    yes="はい",
    no="いいえ",
    unknown="どちらとも言えない",
    mark="＿＿＿＿",
    joint="；",
)
