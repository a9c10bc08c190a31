#!/usr/bin/env python
"""New mathematics problems from seeds, and solutions that agree: a problem, a program, several solutions.

    koba run mathematics maths-seeds --solutions 8 --decontaminate maths-tests
    ray job submit --working-dir . -- python generators/mathematics.py maths-seeds --level middle

Each seed is changed in one way, drawn by its id (see `generators.problems`). A program is written for each problem and
run in the sandbox; solutions whose sums are wrong, that differ from the majority of their problem, or whose majority
differs from what the program printed are refused. `koba why` shows the votes.

Seeds are documents, such as those of `koba run maths_seeds`; all they need is their text and its language.
"""

from dataclasses import replace
from typing import Annotated

from dedup.decontaminate import Decontaminate
from dedup.exact import ExactDedup
from generators.as_conversations import AsConversations
from generators.calculated import Calculated
from generators.command import generator
from generators.engine import Sampling
from generators.executed import Executed
from generators.generate import Generate
from generators.paths import DistinctPaths
from generators.problems import CHANGES, problems
from generators.solving import PROGRAM, WriteProgram, solving
from generators.spoken import Spoken
from generators.votes import Votes
from manifests.stage import Recipe, Stage


def recipe(
    changes: Annotated[tuple[str, ...], "How seeds are changed; each seed gets one of these."] = tuple(CHANGES),
    level: Annotated[str, "Pupils that problems are for: elementary, middle or high."] = "elementary",
    topics: Annotated[tuple[str, ...], "What problems in another setting are about [default: a few of ours]."] = (),
    to: Annotated[str | None, "Language of the problems: ja or en [default: that of the seed]."] = None,
    per_seed: Annotated[int, "Problems made of each seed (OpenMathInstruct-2: 10)."] = 1,
    style: Annotated[str, "How solutions are written: calculator, steps or boxed."] = "steps",
    solutions: Annotated[int, "Solutions of each problem (OpenMathInstruct-2: 32)."] = 4,
    share: Annotated[float, "Share of the solutions that must have the answer that most of them have."] = 0.5,
    paths: Annotated[
        int | None, "Solutions kept of a problem, of those that reason differently [default: all]."
    ] = None,
    programs: Annotated[bool, "Let the model write a program for each problem, and run it."] = True,
    conversations: Annotated[bool, "Write problem and solution as two turns, not as one text."] = False,
    decontaminate: Annotated[tuple[str, ...], "Datasets of test problems: what holds one of theirs goes."] = (),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature, of programs 0."] = 0.8,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 512,
    seed: Annotated[int, "Another number draws other changes and topics."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    drawn = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95, seed=seed)
    asked = problems(changes, level, topics, to, seed)
    checked: tuple[Stage, ...] = ()
    if programs:
        once = Sampling(max_tokens=max_tokens, temperature=0.0)
        checked = (Generate(WriteProgram(PROGRAM), model, once, engine=engine), Executed())
    return Recipe(
        name="mathematics",
        steps=(
            Spoken(),
            Generate(asked, model, replace(drawn, n=per_seed), engine=engine),
            ExactDedup(),
            *((Decontaminate(decontaminate),) if decontaminate else ()),
            *checked,
            Generate(solving(style), model, replace(drawn, n=solutions), engine=engine),
            Calculated(),
            Votes(share, least_votes=min(2, solutions)),
            DistinctPaths(paths),
            *((AsConversations(),) if conversations else ()),
        ),
    )


main = generator(recipe, default_source="maths-seeds")

if __name__ == "__main__":
    main()
