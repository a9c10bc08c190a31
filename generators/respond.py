#!/usr/bin/env python
"""Answer conversations turn by turn: what users ask in chats, or the prompts of any dataset of `messages` once more.

    koba run respond chats --model models/qwen-coder
    ray job submit --working-dir . -- python generators/respond.py chats --max-turns 2

What assistants said before is removed first. Each turn of the user is one step: what the model answered to it is part
of what it is asked next. Replies with faulty Markdown, or with links that the user did not name, are refused.
"""

from typing import Annotated

from generators.answering import Answer, Turn
from generators.command import generator
from generators.dialogue import Dialogue, Unanswered
from generators.engine import Sampling
from generators.generate import Generate
from generators.reply_marks import SoundReplies
from manifests.stage import Recipe


def recipe(
    model: Annotated[str, "Model, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    max_turns: Annotated[int, "Turns of the user that are answered; longer conversations are left out."] = 4,
    max_prompt: Annotated[int, "Longest prompt, all turns of it, in estimated tokens."] = 3_000,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 1_024,
    temperature: Annotated[float, "Sampling temperature."] = 0.7,
    tries: Annotated[int, "Of a reply that is cut off, empty or a refusal."] = 1,
    system: Annotated[str | None, "Put before conversations without a system turn."] = None,
    known_links: Annotated[bool, "Refuse links that no turn before names: nobody looks whether they exist."] = True,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=0.95)
    turns = [
        Turn(Generate(Answer(turn, system), model=model, sampling=sampling, tries=tries, engine=engine), turn=turn)
        for turn in range(max_turns)
    ]
    return Recipe(
        name="respond",
        steps=(
            Unanswered(),
            Dialogue(max_turns=max_turns, max_prompt=max_prompt),
            *turns,
            SoundReplies(known_links),
        ),
    )


main = generator(recipe, default_source="chats")

if __name__ == "__main__":
    main()
