#!/usr/bin/env python
"""Pairs of replies to learn from: of the given one and six of the current policy, the best against the worst.

    koba run preferences chats-answered --model models/policy --reward models/reward
    ray job submit --working-dir . -- python generators/preferences.py chats-answered

Every conversation ends with a reply; the policy answers the same prompt six times more. Prompts that are too long for
the reward model go first, replies that were cut off or have no reward before anything is ranked. The pool stays, with
all rewards, as rows of the part before: `koba why ID` shows them. `koba write-back` puts what won into the dataset.

The reward is that of a model, or with `--reward judge` the grade that the policy's own model gives.
"""

from typing import Annotated

from generators.answering import Answer
from generators.command import generator
from generators.dialogue import Dialogue
from generators.engine import Sampling
from generators.generate import Generate
from generators.graded import Grade
from generators.pooled import Pool
from generators.preference_pairs import Pairs, WideGap
from generators.rewards import ATTRIBUTES, ATTRIBUTES_70B, NEMOTRON_4, REWARD, Rewarded, SequenceReward
from manifests.errors import BadRecipe
from manifests.stage import Recipe, Stage

WEIGHTS = {"one": (1.0,), "attributes": ATTRIBUTES, "nemotron-4": NEMOTRON_4, "nemotron-70b": ATTRIBUTES_70B}


def recipe(
    model: Annotated[str, "The policy: the model that is to be trained, by its ref."] = "models/smollm2",
    engine: Annotated[str, "Where it runs: vllm, echo, openai or a server's URL."] = "vllm",
    n: Annotated[int, "Replies of the policy to each prompt (PLaMo 2: 6)."] = 6,
    temperature: Annotated[float, "Sampling temperature."] = 1.0,
    max_tokens: Annotated[int, "Longest reply, in tokens."] = 1_024,
    reward: Annotated[str, "A reward model, by its ref, or judge: the policy's model grades replies."] = "judge",
    weights: Annotated[str, "Of the reward's outputs: one, attributes, nemotron-4 or nemotron-70b."] = "one",
    reward_tokens: Annotated[int, "Longest conversation that the reward model reads, in tokens."] = 4_096,
    min_gap: Annotated[float, "Smallest difference of rewards in a pair."] = 0.0,
    drop_share: Annotated[float, "Share of the pairs to drop, from the smallest difference on."] = 0.0,
) -> Recipe:
    """Every decision that bears on the dataset, on one screen."""
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, n=n)
    return Recipe(
        name="preferences",
        steps=(
            Dialogue(answered=True, max_prompt=reward_tokens),
            Pool(Generate(Answer(), model=model, sampling=sampling, engine=engine)),
            _rewarded(reward, weights, reward_tokens, model, engine),
            Pairs(REWARD),
            WideGap(min_gap, drop_share),
        ),
    )


def _rewarded(reward: str, weights: str, max_tokens: int, model: str, engine: str) -> Stage:
    if weights not in WEIGHTS:
        raise BadRecipe(f"preferences: no weights {weights!r}; expected one of {', '.join(WEIGHTS)}")
    if reward != "judge":
        return Rewarded(SequenceReward(reward, WEIGHTS[weights], max_tokens))
    return Generate(Grade(), model=model, sampling=Sampling(max_tokens=200, temperature=0.0), engine=engine)


main = generator(recipe, default_source="chats-answered")

if __name__ == "__main__":
    main()
