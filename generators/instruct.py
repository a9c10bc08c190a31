#!/usr/bin/env python
"""Instructions that are verified: random questions, constraints on the form of the answers, answers that satisfy them.

    koba run instruct chats --decontaminate m_ifeval.jsonl#prompt
    ray job submit --working-dir . -- python generators/instruct.py chats --most 2 --loose

The constraints are those of IFEval and of the Japanese M-IFEval (`koba verify`), in sets that no reply need contradict;
the questions are yours: give the prompts of the benchmarks to `--decontaminate`, and none of them comes in. A program
verifies each reply, then a model grades what no program can: whether it answers the question. Every kept row has each
verdict in its scores. Models that learn these constraints learn the benchmarks' too: test them with others.

With `--form preferences` two verified replies of a question are held against each other, in both orders.
"""

from typing import Annotated

from dedup.decontaminate import Decontaminate
from filters.language import LanguageIs
from filters.verifiers import IDS
from generators.command import generator
from generators.constrained import AsQuestions, Constrain, Instruct, Verified
from generators.duels import Agreeing, Duel, Opponents
from generators.engine import Sampling
from generators.generate import Generate
from generators.graded import Grade
from generators.least_score import LeastScore
from generators.rewards import REWARD
from manifests.errors import BadRecipe
from manifests.stage import Recipe, Stage

FORMS = ("conversations", "preferences")
JUDGE = {
    "": "Below is a conversation between a user and an assistant. The user asks something and sets conditions on the "
    "form of the reply, which hold: they have been checked. Judge how well the reply answers what was asked, within "
    "these conditions: is it correct, is it about the question, does it read naturally?\n\n{conversation}\n\n---\n"
    "Name its greatest fault in one short sentence. Then end with a last line of this form, a number from 1 (it does "
    "not answer the question) to 10 (no better answer could be given):\nGrade: 7",
    "ja": "以下はユーザーとアシスタントの会話です。ユーザーは質問とともに返答の形式に条件を付けており、"
    "条件が守られていることは確認済みです。その条件のもとで、返答が質問にどれだけ答えているかを評価してください。内容は正しいか、質問に沿っているか、"
    "自然に読めるか。\n\n{conversation}\n\n---\n最大の欠点を短い一文で書き、最後の行に、1（質問に答えていない）から"
    "10（これ以上ない）までの数を次の形で書いてください。\n評点: 7",
}


def recipe(
    least: Annotated[int, "Fewest constraints of a question."] = 1,
    most: Annotated[int, "Most constraints of a question."] = 3,
    times: Annotated[int, "Sets of constraints for each question."] = 1,
    constraints: Annotated[tuple[str, ...], "Ids to draw from, see `koba verify` [default: all]."] = (),
    loose: Annotated[bool, "Let a reply pass that satisfies them but for its first or last line or asterisks."] = False,
    candidates: Annotated[int, "Replies to each question with its constraints."] = 1,
    form: Annotated[str, "conversations, or preferences between two replies of a question."] = "conversations",
    min_grade: Annotated[float | None, "Least grade of the judge, of 1 to 10; below 1: none is asked."] = 7.0,
    min_chars: Annotated[int, "Shortest question, in characters."] = 10,
    max_chars: Annotated[int, "Longest question, in characters."] = 500,
    languages: Annotated[tuple[str, ...], "Languages of questions; others are left out."] = ("ja", "en"),
    model: Annotated[str, "Model that replies, by its ref."] = "models/smollm2",
    judge: Annotated[str | None, "Model that judges [default: the one that replies]."] = None,
    engine: Annotated[str, "Where they run: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature of replies; the judge's is 0."] = 0.7,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 600,
    decontaminate: Annotated[tuple[str, ...], "Benchmarks to keep out: datasets, or files as FILE#COLUMN."] = (),
    seed: Annotated[int, "Another number draws other constraints and other replies."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if form not in FORMS or not set(languages) <= set(IDS) or (form == "preferences" and candidates < 2):
        raise BadRecipe(
            f"instruct: {candidates} candidates in {', '.join(languages)} as {form!r}; expected {' or '.join(FORMS)} "
            f"(of 2 candidates or more), in {' or '.join(IDS)}"
        )
    reply = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95, n=candidates, seed=seed)
    verdict = Sampling(max_tokens=300, temperature=0.0)
    judged: tuple[Stage, ...] = ()
    if min_grade is not None and min_grade >= 1:
        judged = (Generate(Grade(JUDGE), judge or model, verdict, engine=engine), LeastScore(REWARD, min_grade))
    fought: tuple[Stage, ...] = ()
    if form == "preferences":
        duels = [Generate(Duel(swapped=swapped), judge or model, verdict, engine=engine) for swapped in (False, True)]
        fought = (Opponents(), *duels, Agreeing())
    return Recipe(
        name="instruct",
        steps=(
            AsQuestions(min_chars, max_chars),
            LanguageIs(languages),
            Constrain(least, most, times, constraints, seed),
            *((Decontaminate(decontaminate),) if decontaminate else ()),
            Generate(Instruct(), model, reply, engine=engine),
            Verified(loose),
            *judged,
            *fought,
        ),
    )


main = generator(recipe, default_source="chats")

if __name__ == "__main__":
    main()
