#!/usr/bin/env python
"""Rewrite Python for style, then into self-contained, better code: SGCR and SCOR of SwallowCode.

    koba run code_rewrite source-code
    koba run code_rewrite source-code --methods sgcr
    ray job submit --working-dir . -- python generators/code_rewrite.py source-code --no-lint

Before and after each rewrite the code must compile, be in ASCII or Japanese, not run in circles, and get 7.0 of 10 from
pylint less its share of comments: the paper filtered once, before, and what a model breaks went into its set. One
prompt for both rewrites made them worse. The rewrites carry the licences of the file and of the model.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from filters.code_sets import CodeIn, code_gates
from filters.length import Length
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.fences import block_of, fenced
from generators.generate import Generate
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected, Step

SGCR = """You review Python code for style. Judge the code of the user by these criteria:
1. names that say what is meant; 2. comments and docstrings that are right and needed; 3. type hints; 4. functions that
can be used again; 5. variables that live no longer than they must; 6. errors that are handled where they can be;
7. indentation and layout; 8. comments that give reasons, not deeds; 9. one task for each function; 10. easy to read.
Answer in three parts under these headings:
## Evaluation
What is good and what is not, in a few sentences.
## Suggestions
What to change.
## Improved code
The whole improved code, in one Python code block. It must do what the original does."""
SCOR = """You turn Python code into an example that others learn from. Rewrite the code of the user so that it
1. runs by itself, with all that it needs inside: what it imports from elsewhere is written out, or done without;
2. has names, docstrings and type hints in good style; 3. has comments where a reader needs a reason;
4. is divided into clear functions or classes; 5. has no errors; 6. uses an efficient algorithm and the standard library
well; 7. is worth reading: where the original is trivial, make of it something that teaches a technique.
Answer with the whole new code in one Python code block, and nothing else."""
WHICH: dict[str, Literal["first", "last"]] = {
    "sgcr": "last",
    "scor": "first",
}  # SGCR may quote code before it improves it
PROMPTS = {"sgcr": SGCR, "scor": SCOR}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One file in, one rewrite out."""

    method: str
    system: str
    min_chars: int = 51  # swallow-code-math drops rewrites of 50 characters or fewer

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        return Message("system", self.system), Message("user", fenced(doc.text, "python"))

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        found = block_of(doc, reply.text, "python", which=WHICH[self.method], min_chars=self.min_chars)
        if isinstance(found, Rejected):
            return found
        labels = {**doc.labels, "rewrite": self.method}
        return doc.derive(text=f"{found.code}\n", source=f"code_rewrite/{self.method}", labels=labels, scores={})


def recipe(
    methods: Annotated[tuple[str, ...], "Rewrites, one after the other: sgcr, scor."] = ("sgcr", "scor"),
    lint: Annotated[bool, "Ask pylint, which takes about a second for each file."] = True,
    min_score: Annotated[float, "Least score of pylint less the share of comments."] = 7.0,
    max_chars: Annotated[int, "Longest file, in characters (swallow-code-math: 102,688 tokens of context)."] = 20_000,
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature."] = 0.2,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 8_192,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if not methods or not set(methods) <= set(PROMPTS):
        raise BadRecipe(f"code_rewrite: no methods {', '.join(methods) or 'at all'}; expected {' or '.join(PROMPTS)}")
    gates = code_gates("python", min_score if lint else None)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.7)
    steps: list[Step] = [CodeIn("python"), Length(max_chars=max_chars), *gates]
    for method in methods:
        steps += [Generate(Rewrite(method, PROMPTS[method]), model, sampling, engine=engine), *gates]
    return Recipe(name=f"code-{'-'.join(methods)}", steps=tuple(steps))


main = generator(recipe, default_source="source-code")

if __name__ == "__main__":
    main()
