"""The shape of a model, as literals."""

from dataclasses import dataclass
from typing import Literal

from manifests.errors import BadRecipe


@dataclass(frozen=True, slots=True)
class Config:
    """The shape of a model. Defaults: 5.6 million parameters, of which 2.1 are embeddings."""

    vocabulary: int = 8_192
    pattern: str = "MAMA"  # a letter for each layer: M Mamba-2, A attention
    width: int = 256
    mlp_width: int = 768
    heads: int = 4  # of attention
    key_heads: int = 2
    window: int | None = None  # tokens that attention sees, the token itself included; none: all
    rope_theta: float | None = 10_000.0  # none: attention knows no positions, as in Granite 4
    ssm_heads: int = 8
    ssm_head_width: int = 64
    ssm_groups: int = 1
    ssm_state: int = 64
    conv_taps: int = 4
    chunk: int = 64  # tokens; 64 is fastest on a CPU
    epsilon: float = 1e-5  # of all norms
    tied: bool = True  # the output layer is the embedding
    variant: Literal["granite", "plamo2"] = "granite"  # whose maths and names; plamo2: see trainer/plamo.py
    head_width: int | None = None  # of attention; none: the width divided by the heads

    def __post_init__(self) -> None:
        granite, whole = self.variant == "granite", self.head_width is None
        wrong = {
            f"pattern {self.pattern!r}: expected letters M (Mamba-2) and A (attention)": set(self.pattern) - {"M", "A"}
            or not self.pattern,
            f"variant {self.variant!r}: expected granite or plamo2": self.variant not in {"granite", "plamo2"},
            f"width {self.width} does not divide into {self.heads} heads of an even width": whole
            and (self.width % self.heads or self.width // self.heads % 2),
            f"heads of attention are {self.head_width} wide; expected an even number": not whole
            and (self.head_width or 0) % 2,
            f"{self.heads} heads do not divide into {self.key_heads} key heads": self.heads % self.key_heads,
            f"{self.ssm_heads} SSM heads do not divide into {self.ssm_groups} groups": self.ssm_heads % self.ssm_groups,
            f"{self.ssm_heads} SSM heads of {self.ssm_head_width} are no multiple of the width {self.width}": granite
            and self.inner % self.width,
            f"{self.ssm_groups} groups of B and C; PLaMo 2 has 1": not granite and self.ssm_groups != 1,
            f"window {self.window}: expected 1 token or more, or None": self.window is not None and self.window < 1,
        }
        for message, holds in wrong.items():
            if holds:
                raise BadRecipe(f"model: {message}")

    @property
    def inner(self) -> int:
        """The inner width of a Mamba-2 layer."""
        return self.ssm_heads * self.ssm_head_width

    @property
    def attention_head(self) -> int:
        """The width of a head of attention."""
        return self.head_width or self.width // self.heads
