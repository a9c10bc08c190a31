#!/usr/bin/env python
"""Solve mathematics problems whose answers are known, several times each, and keep the solutions that are right.

    koba run mathematics_solve maths-seeds --solutions 8
    ray job submit --working-dir . -- python generators/mathematics_solve.py maths-seeds --style calculator

Rejection sampling (Yuan et al. 2023): of each problem's right solutions, one for each list of equations is kept. With
`--no-trust-reference` the majority decides instead, and `votes/right` says of each solution whether it is right: so
the votes themselves can be judged. Problems without a known answer are always left to the majority; those whose answer
is no number, or is contradicted by their own program or solution, are refused.
"""

from dataclasses import replace
from typing import Annotated

from dedup.decontaminate import Decontaminate
from generators.as_conversations import AsConversations
from generators.backward import Backward
from generators.calculated import Calculated
from generators.command import generator
from generators.engine import Sampling
from generators.executed import Executed
from generators.generate import Generate
from generators.paths import DistinctPaths
from generators.references import Referenced
from generators.solving import PROGRAM, WriteProgram, solving
from generators.spoken import Spoken
from generators.votes import Votes
from manifests.stage import Recipe, Stage


def recipe(
    style: Annotated[str, "How solutions are written: calculator, steps or boxed."] = "steps",
    solutions: Annotated[int, "Solutions of each problem (RFT: 100)."] = 4,
    share: Annotated[float, "Share of the solutions that must have the answer that most of them have."] = 0.5,
    paths: Annotated[
        int | None, "Solutions kept of a problem, of those that reason differently [default: all]."
    ] = None,
    programs: Annotated[bool, "Let the model write a program for each problem, and run it."] = False,
    seed_programs: Annotated[
        bool, "Run the programs that come with problems, as Lila's do, to check their answers."
    ] = False,
    backward: Annotated[bool, "Give the answer and ask for a number of the problem (FOBAR)."] = False,
    trust_reference: Annotated[bool, "A known answer decides; else it is only recorded who is right."] = True,
    conversations: Annotated[bool, "Write problem and solution as two turns, not as one text."] = False,
    decontaminate: Annotated[tuple[str, ...], "Datasets of test problems: what holds one of theirs goes."] = (),
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature, of programs 0."] = 0.7,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 512,
    seed: Annotated[int, "Another number draws other solutions."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    drawn = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95, seed=seed)
    checked: tuple[Stage, ...] = ()
    if programs:
        once = replace(drawn, temperature=0.0)
        checked = (Generate(WriteProgram(PROGRAM), model, once, engine=engine), Executed())
    return Recipe(
        name="mathematics-solve",
        steps=(
            Spoken(),
            *((Executed(),) if seed_programs else ()),
            Referenced(required=backward),
            *((Backward(seed=seed),) if backward else ()),
            *((Decontaminate(decontaminate),) if decontaminate else ()),
            *checked,
            Generate(solving(style), model, replace(drawn, n=solutions), engine=engine),
            Calculated(),
            Votes(share, least_votes=min(2, solutions), trust_reference=trust_reference),
            DistinctPaths(paths),
            *((AsConversations(),) if conversations else ()),
        ),
    )


main = generator(recipe, default_source="maths-seeds")

if __name__ == "__main__":
    main()
