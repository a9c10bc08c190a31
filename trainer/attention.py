"""Causal attention with grouped keys (GQA), rotary positions (RoPE) and, where it is set, a sliding window."""

# B sequences, T tokens, D model, H query heads, K key heads, P width of a head, C blocks, W tokens in a window

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from trainer.config import Config
from trainer.layout import Layout


def attend(q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int | None) -> Tensor:
    """Return [B, H, T, P]: each token's mixture of the values that it may see, at most `window` of them."""
    if window is not None and window < q_BHTP.shape[2]:
        return _attend_in_blocks(q_BHTP, k_BKTP, v_BKTP, layout, window)
    if layout.single:
        return scaled_dot_product_attention(q_BHTP, k_BKTP, v_BKTP, is_causal=True, enable_gqa=True)
    return scaled_dot_product_attention(q_BHTP, k_BKTP, v_BKTP, attn_mask=layout.mask, enable_gqa=True)


def attend_ref(q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int | None) -> Tensor:
    """Return what `attend` returns, from one mask over all pairs of tokens and a softmax."""
    length, repeat = q_BHTP.shape[2], q_BHTP.shape[1] // k_BKTP.shape[1]
    places = torch.arange(length, device=q_BHTP.device)
    near_TT = places[:, None] - places < (window or length)
    k_BHTP, v_BHTP = k_BKTP.repeat_interleave(repeat, 1), v_BKTP.repeat_interleave(repeat, 1)
    scores_BHTT = q_BHTP @ k_BHTP.transpose(-1, -2) * q_BHTP.shape[-1] ** -0.5
    weights_BHTT = scores_BHTT.masked_fill(~(layout.mask & near_TT), -torch.inf).softmax(-1)
    mixed_BHTP: Tensor = weights_BHTT @ v_BHTP
    return mixed_BHTP


def _attend_in_blocks(q_BHTP: Tensor, k_BKTP: Tensor, v_BKTP: Tensor, layout: Layout, window: int) -> Tensor:
    """Blocks of W queries see 2W keys: time grows with T * W, not with the square of T."""
    batch, _, length, _ = q_BHTP.shape
    fill = (0, 0, 0, -length % window)
    q_BHCWP, k_BKCWP, v_BKCWP = (torch.unflatten(pad(t, fill), 2, (-1, window)) for t in (q_BHTP, k_BKTP, v_BKTP))
    keys, values = (
        torch.cat([pad(t, (0, 0, 0, 0, 1, 0))[:, :, :-1], t], 3).transpose(1, 2).flatten(0, 1)
        for t in (k_BKCWP, v_BKCWP)
    )  # [B*C, K, 2W, P]
    queries = q_BHCWP.transpose(1, 2).flatten(0, 1)  # [B*C, H, W, P]
    mask = layout.window_mask(window)
    mixed = scaled_dot_product_attention(queries, keys, values, attn_mask=mask, enable_gqa=True)
    return torch.unflatten(mixed, 0, (batch, -1)).transpose(1, 2).flatten(2, 3)[:, :, :length]


def rotary(positions_BT: Tensor, head_width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the angles of RoPE (Su et al. 2021), [B, 1, T, P], both halves alike."""
    frequencies = theta ** -(torch.arange(0, head_width, 2, device=positions_BT.device).float() / head_width)
    angles = positions_BT[..., None].float() * frequencies
    angles_B1TP = torch.cat([angles, angles], -1)[:, None]
    return angles_B1TP.cos(), angles_B1TP.sin()


def rotate(x_BHTP: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Apply `rotary` to queries or keys, whose two halves are the two coordinates."""
    left, right = x_BHTP.chunk(2, -1)
    return x_BHTP * turn[0] + torch.cat([-right, left], -1) * turn[1]


class Attention(nn.Module):
    """Attention as in GraniteMoeHybrid, scaled by P**-0.5."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, key_heads = config.width, config.key_heads
        self.head_width, self.window = width // config.heads, config.window
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, key_heads * self.head_width, bias=False)
        self.v_proj = nn.Linear(width, key_heads * self.head_width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x_BTD: Tensor, layout: Layout, turn: tuple[Tensor, Tensor]) -> Tensor:
        q_BHTP, k_BKTP, v_BKTP = (
            torch.unflatten(project(x_BTD), -1, (-1, self.head_width)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed_BHTP = attend(rotate(q_BHTP, turn), rotate(k_BKTP, turn), v_BKTP, layout, self.window)
        out_BTD: Tensor = self.o_proj(mixed_BHTP.transpose(1, 2).flatten(2))
        return out_BTD
