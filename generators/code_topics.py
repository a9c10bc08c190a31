#!/usr/bin/env python
"""Problems of programming from topics: macro topics, subtopics of each, keywords, problems (Nemotron-4 340B, 3.2).

    koba run code_topics source-code --limit 20 --to ja
    ray job submit --working-dir . -- python generators/code_topics.py source-code --subtopics 5 --problems 10

Keywords are what the files of a dataset import; each file stands for one macro topic, drawn by its id. Lists must be
lists: numbered prose is refused, see `generators.numbered`. Every row carries macro, subtopic and problem with their
numbers, and its keyword, as labels.

topics/no_keyword   the file imports nothing
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from filters.code_sets import CodeIn
from generators.code_items import drawn
from generators.code_solve import solving
from generators.code_topic_lists import ASKED, LEVELS, MACRO, PROBLEMS, SUBTOPICS
from generators.command import generator
from generators.engine import Reply, Sampling
from generators.generate import Generate
from generators.numbered import Itemised, items, listed
from generators.tested import checked
from manifests.errors import BadRecipe
from manifests.rows import Document, Message
from manifests.stage import Recipe, Rejected, Stage

_IMPORT = re.compile(r"^(?:import|from)[ \t]+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
MOST_NAME_CHARS, MOST_PROBLEM_CHARS = 80, 600


@dataclass(frozen=True, slots=True)
class Macro(Stage):
    """Make of each file a macro topic and a keyword: what it imports."""

    topics: tuple[str, ...]
    seed: int

    def __call__(self, rows: Iterable[Document]) -> Iterator[Document | Rejected]:
        for doc in rows:
            known = sorted({name for name in _IMPORT.findall(doc.text) if name != "__future__"})
            if not known:
                yield Rejected(doc, "topics/no_keyword")
                continue
            rng = drawn(self.seed, "macro", doc.id)
            number = rng.randrange(len(self.topics))
            own = {"macro": self.topics[number], "macro_id": str(number), "keyword": rng.choice(known)}
            yield doc.derive(text=self.topics[number], source="code_topics", labels={**doc.labels, **own})


@dataclass(frozen=True, slots=True)
class ListOf:
    """A topic in, a list out: subtopics, or problems on it."""

    system: str
    asked: str  # with {topic} and {keyword}
    count: int
    most_chars: int
    sentences: bool
    to: str

    def prompt(self, doc: Document) -> tuple[Message, ...]:
        topic = self.asked.format(topic=doc.text, keyword=doc.labels["keyword"])
        return Message("system", self.system), Message("user", topic)

    def parse(self, doc: Document, reply: Reply) -> Document | Rejected:
        found = items(reply.text, self.most_chars, sentences=self.sentences)
        made = listed(doc, found, self.count, "code_topics")
        return made if isinstance(made, Rejected) else made.replace(language=self.to)


def recipe(
    to: Annotated[str, "Language of the problems: ja or en."] = "ja",
    macro: Annotated[tuple[str, ...], "Macro topics [default: twenty of ours]."] = (),
    subtopics: Annotated[int, "Subtopics of each macro topic (Nemotron-4: 5)."] = 5,
    problems: Annotated[int, "Problems on each subtopic (Nemotron-4: 10)."] = 10,
    level: Annotated[str, "Whom problems are for: beginner, intermediate or advanced."] = "beginner",
    language: Annotated[str, "Programming language of the files and the solutions."] = "python",
    tests: Annotated[
        bool, "Run the tests of each solution in the sandbox, and refuse what fails; Python alone."
    ] = True,
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    temperature: Annotated[float, "Sampling temperature of lists; solutions are written at 0."] = 0.2,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 2_048,
    seed: Annotated[int, "Another number draws other topics and keywords."] = 0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    if to not in MACRO or level not in LEVELS:
        raise BadRecipe(
            f"code_topics: no prompt in {to!r} for {level!r}; expected {' or '.join(MACRO)}, {', '.join(LEVELS)}"
        )
    drawing = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.7, seed=seed)
    once = Sampling(max_tokens=max_tokens, temperature=0.0)
    below = ListOf(SUBTOPICS[to].format(count=subtopics), "{topic}", subtopics, MOST_NAME_CHARS, sentences=False, to=to)
    system = PROBLEMS[to].format(count=problems, language=language, level=LEVELS[level][to])
    on_each = ListOf(system, ASKED[to], problems, MOST_PROBLEM_CHARS, sentences=True, to=to)
    return Recipe(
        name=f"code-topics-{to}",
        steps=(
            CodeIn(language),
            Macro(macro or MACRO[to], seed),
            Generate(below, model, drawing, engine=engine),
            Itemised("subtopic"),
            Generate(on_each, model, drawing, engine=engine),
            Itemised("item"),
            Generate(solving(to, language, "code_topics"), model, once, engine=engine),
            *checked(language, tests),
        ),
    )


main = generator(recipe, default_source="source-code")

if __name__ == "__main__":
    main()
