#!/usr/bin/env python
"""Rewrite web pages on mathematics, as SwallowMath does: cleaned up, or as task, approach, steps and boxed answer.

    koba run mathematics_rewrite web-maths --form steps
    ray job submit --working-dir . -- python generators/mathematics_rewrite.py web-maths

Of the two forms the first is after SwallowMath's first prompt, the other after its second one; the wording, in both
languages, is ours. Pages that do not fit the model are refused, as are rewrites whose sums are wrong.

mathematics_rewrite/short       no more characters than `min_chars`
mathematics_rewrite/no_answer   the form asks for a final answer, and there is none
mathematics_rewrite/two_answers it has final answers that differ
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from dedup.decontaminate import Decontaminate
from filters.language import LanguageIs
from filters.length import Length
from generators.answers import BOX, HASHES, answers
from generators.calculated import Calculated
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.gates import COPIED, Gates
from generators.generate import Generate
from generators.replies import copied_share, said
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected

LANGUAGES = ("ja", "en")
FORMS = {
    "clean": {
        "en": "You edit web pages on mathematics for a textbook. Rewrite the page below. Leave out what is not about "
        "mathematics: headers and footers, menus, dates, names of users, notes on privacy, advertising. Keep each "
        "question and its answer. Where something is missing that is needed to understand a question or a solution, "
        "add it. Explain in short, clear steps, and write formulas in LaTeX. End each solved exercise with a line "
        '"#### " and its answer. Answer with the rewritten text only.',
        "ja": "あなたは数学に関するウェブページを教科書向けに編集します。次のページを書き直してください。"
        "ヘッダーやフッター、メニュー、日付、利用者名、個人情報の扱い、広告など、数学に関係のないものは省きます。"
        "問いと答えは残し、理解に必要なのに欠けている内容は補います。"
        "短く明快な段階に分けて説明し、数式は LaTeX で書きます。"
        "解いた問題の最後には「#### 」と答えの行を書きます。書き直した文章だけを答えてください。",
    },
    "steps": {
        "en": "You turn web pages on mathematics into worked examples. Rewrite the page below in four parts.\n"
        "Task: the problem, complete, so that it can be understood without the page.\n"
        "Approach: the idea of the solution, in one or two sentences.\n"
        "Steps: numbered; each one does one thing and shows its calculation.\n"
        "Answer: the final result in \\boxed{}.\n"
        "Correct mistakes, give reasons where the page leaves them out, use formulas in LaTeX, keep the level of the "
        "page, do not speak of the page or of yourself, and leave out all that is not about mathematics. Answer with "
        "the four parts only.",
        "ja": "あなたは数学に関するウェブページを例題に書き直します。次のページを四つの部分に書き直してください。\n"
        "課題：そのページがなくても意味が通る、完全な問題文。\n方針：解き方の考えを一、二文で。\n"
        "手順：番号を付け、一つの手順では一つのことだけを行い、計算を示す。\n"
        "答え：最終的な結果を \\boxed{} の中に書く。\n"
        "誤りは直し、省かれた理由は補い、数式は LaTeX で書きます。"
        "ページの水準を保ち、ページや自分自身には触れず、"
        "数学に関係のないものは省きます。四つの部分だけを答えてください。",
    },
}


@dataclass(frozen=True, slots=True)
class RewriteMathematics:
    """One page in, one rewrite out, in its language."""

    version: ClassVar[int] = 1

    form: str
    prompts: Mapping[str, str]
    min_chars: int = 50  # SwallowMath drops what has no more

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.prompts[doc.language or ""]), Message("user", doc.text)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        text = said(reply.text)
        if len(text) <= self.min_chars:
            return Rejected(doc, "mathematics_rewrite/short", float(len(text)), float(self.min_chars))
        found = [one for one in answers(text) if one.mark in {HASHES, BOX}]
        if self.form == "steps" and not found:
            return Rejected(doc, "mathematics_rewrite/no_answer")
        if self.form == "steps" and len(found) > 1:
            return Rejected(doc, "mathematics_rewrite/two_answers", float(len(found)), 1.0)
        answer = str(found[0].quantity or found[0].said) if len(found) == 1 else None
        labels = {**doc.labels, "form": self.form, **({"answer": answer} if answer else {})}
        copied = copied_share(" ".join(text.split()), " ".join(doc.text.split()))  # Greek letters are no fault here
        return doc.derive(text=text, source="mathematics_rewrite", scores={COPIED: copied}, labels=labels)


def rewriting(form: str, languages: Iterable[str] = LANGUAGES) -> RewriteMathematics:
    """Return the task for a form and some languages. Raises BadRecipe where we have no prompt for them."""
    if form not in FORMS or not set(languages) <= set(LANGUAGES):
        raise BadRecipe(
            f"mathematics_rewrite: no prompts for the form {form!r} in {', '.join(languages)}; "
            f"expected one of {', '.join(FORMS)}, in {' or '.join(LANGUAGES)}"
        )
    return RewriteMathematics(form, {language: FORMS[form][language] for language in languages})


def recipe(
    form: Annotated[str, "How to rewrite: clean or steps."] = "steps",
    languages: Annotated[tuple[str, ...], "Languages to rewrite: ja, en; pages in others are left out."] = LANGUAGES,
    max_chars: Annotated[int, "Longest page, in characters (SwallowMath: 102,688)."] = 102_688,
    decontaminate: Annotated[tuple[str, ...], "Datasets of test problems: what holds one of theirs goes."] = (),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature (SwallowMath: 0.2)."] = 0.2,
    max_tokens: Annotated[int, "Longest rewrite, in tokens (SwallowMath: 8,192)."] = 2_048,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    clean = (
        (Decontaminate(decontaminate),) if decontaminate else ()
    )  # before and after: a model knows test problems too
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.7)
    return Recipe(
        name=f"mathematics-rewrite-{form}",
        steps=(
            Length(max_chars=max_chars),
            LanguageIs(languages),
            *clean,
            Generate(rewriting(form, languages), model, sampling, engine=engine),
            Gates(max_copied=0.95),
            Calculated(),
            *clean,
        ),
    )


main = generator(recipe, default_source="web-sample")

if __name__ == "__main__":
    main()
