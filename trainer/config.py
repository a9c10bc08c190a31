"""The shape of a model, as literals."""

from dataclasses import dataclass

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
    rope_theta: float = 10_000.0
    ssm_heads: int = 8
    ssm_head_width: int = 64
    ssm_groups: int = 1
    ssm_state: int = 64
    conv_taps: int = 4
    chunk: int = 64  # tokens; 64 is fastest on a CPU
    epsilon: float = 1e-5  # of all norms
    tied: bool = True  # the output layer is the embedding

    def __post_init__(self) -> None:
        wrong = {
            f"pattern {self.pattern!r}: expected letters M (Mamba-2) and A (attention)": set(self.pattern) - {"M", "A"}
            or not self.pattern,
            f"width {self.width} does not divide into {self.heads} heads of an even width": self.width % self.heads
            or self.width // self.heads % 2,
            f"{self.heads} heads do not divide into {self.key_heads} key heads": self.heads % self.key_heads,
            f"{self.ssm_heads} SSM heads do not divide into {self.ssm_groups} groups": self.ssm_heads % self.ssm_groups,
            f"{self.ssm_heads} SSM heads of {self.ssm_head_width} are no multiple of the width {self.width}": self.inner
            % self.width,
            f"window {self.window}: expected 1 token or more, or None": self.window is not None and self.window < 1,
        }
        for message, holds in wrong.items():
            if holds:
                raise BadRecipe(f"model: {message}")

    @property
    def inner(self) -> int:
        """The inner width of a Mamba-2 layer."""
        return self.ssm_heads * self.ssm_head_width
