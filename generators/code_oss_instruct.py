#!/usr/bin/env python
"""New problems of programming, inspired by snippets of real code, with solutions and tests: OSS-Instruct (Magicoder).

    koba run code_oss_instruct source-code --to ja
    koba run code_oss_instruct source-code --variant textbook --topics 'tides,bees,ledgers'
    ray job submit --working-dir . -- python generators/code_oss_instruct.py source-code --variant software

PLaMo 2 adds variants, and random topic words: `instruct` asks for a problem, `textbook` for an explanation with an
example, `software` for a small library or command. All ask for problem, solution and tests, in this order; Python must
pass its own tests in the sandbox. The variant, the topic word and the snippet's line are labels of each row.
"""

from dataclasses import dataclass
from typing import Annotated

from filters.code_sets import CodeIn
from generators.code_items import drawn, item
from generators.code_solve import HEADINGS
from generators.code_variants import ABOUT, FORM, TOPICS, VARIANTS
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.fences import fenced
from generators.generate import Generate
from generators.snippets import Snippets
from generators.tested import checked
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected


@dataclass(frozen=True, slots=True)
class OssInstruct:
    """A snippet in, a problem with its solution and tests out."""

    system: str
    about: str
    topics: tuple[str, ...]  # one is drawn for each snippet; none: no topic is given
    variant: str
    headings: tuple[str, str, str]
    language: str
    to: str
    seed: int

    def topic(self, doc: Document) -> str:
        """Return the topic word of a snippet."""
        return drawn(self.seed, "topic", doc.id).choice(self.topics) if self.topics else ""

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        asked, topic = fenced(doc.text, self.language), self.topic(doc)
        about = f"\n\n{self.about.format(topic=topic)}" if topic else ""
        return Message("system", self.system), Message("user", f"{asked}{about}")

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        topic = self.topic(doc)
        labels = {"variant": self.variant} | ({"topic": topic} if topic else {})
        made = item(doc, reply.text, self.headings, self.language, "code_oss_instruct", labels)
        return made if isinstance(made, Rejected) else made.replace(language=self.to)


def inspired(variant: str, to: str, language: str, topics: tuple[str, ...], seed: int) -> OssInstruct:
    """Return the task for a variant. Raises BadRecipe where there is none of that name, or no prompt in a language."""
    if variant not in VARIANTS or to not in FORM:
        raise BadRecipe(
            f"code_oss_instruct: no prompt for {variant!r} in {to!r}; expected one of {', '.join(VARIANTS)}, in "
            f"{' or '.join(FORM)}"
        )
    role, problem, solution = VARIANTS[variant][to]
    form = FORM[to].format(problem=problem, solution=solution, language=language)
    return OssInstruct(f"{role}\n{form}", ABOUT[to], topics, variant, HEADINGS[to], language, to, seed)


def recipe(
    variant: Annotated[str, "What to ask for: instruct, textbook or software."] = "instruct",
    to: Annotated[str, "Language of the problems: ja or en."] = "ja",
    topics: Annotated[tuple[str, ...], "Topic words, one drawn for each snippet [default: some of ours]."] = (),
    with_topics: Annotated[bool, "Give a topic word with each snippet (PLaMo 2); Magicoder gives none."] = True,
    language: Annotated[str, "Programming language of the files and the solutions."] = "python",
    per_file: Annotated[int, "Snippets of each file."] = 1,
    tests: Annotated[
        bool, "Run the tests of each solution in the sandbox, and refuse what fails; Python alone."
    ] = True,
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature (Magicoder: 0)."] = 0.0,
    max_tokens: Annotated[int, "Longest reply, in tokens (Magicoder: 2,500)."] = 2_500,
    seed: Annotated[int, "Another number draws other snippets and topics (Magicoder: 976)."] = 976,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    words = (topics or TOPICS.get(to, ())) if with_topics else ()
    task = inspired(variant, to, language, words, seed)
    return Recipe(
        name=f"code-oss-{variant}-{to}",
        steps=(
            CodeIn(language),
            Snippets(per_file, seed=seed),
            Generate(task, model, Sampling(max_tokens=max_tokens, temperature=temperature), engine=engine),
            *checked(language, tests),
        ),
    )


main = generator(recipe, default_source="source-code")

if __name__ == "__main__":
    main()
