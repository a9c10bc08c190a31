"""By what the best translation of several is chosen."""

from collections.abc import Mapping

from generators.candidates import Best
from generators.engine import Sampling
from generators.generate import Generate
from generators.round_trip import CHRF, RoundTrip
from generators.scorers import Comet, MetricX, Scored
from manifests.errors import BadRecipe
from manifests.stage import Stage

CHOICES = ("likelihood", "round_trip", "metricx", "comet")
LIKELIHOOD = "generate/mean_logprob"


def choosing(choose: str, languages: Mapping[str, str], to: str, model: str, engine: str) -> tuple[Stage, ...]:
    """Return the steps that keep the best candidate of each segment; `languages` are all by name. Raises BadRecipe."""
    if choose == "metricx":
        return Scored(MetricX()), Best(MetricX.measure, lowest=True)
    if choose == "comet":
        return Scored(Comet()), Best(Comet.measure)
    if choose == "round_trip":
        task = RoundTrip(tuple(sorted(languages.items())), otherwise="ja" if to == "en" else "en")
        sampling = Sampling(max_tokens=2_048, max_ratio=3.0, temperature=0.0)
        return Generate(task, model=model, sampling=sampling, engine=engine), Best(CHRF)
    if choose == "likelihood":
        return (Best(LIKELIHOOD),)
    raise BadRecipe(f"translate: there is no choice by {choose!r}; expected one of {', '.join(CHOICES)}")
