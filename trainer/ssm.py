"""Mamba-2: the state space duality of Dao and Gu 2024 (arXiv:2405.21060, section 6), in plain PyTorch.

    state_t = exp(dt_t * A) * state_{t-1} + dt_t * B_t x_t        A is one negative number for each head
    y_t     = C_t . state_t + D * x_t

`scan_ref` is that, token by token. `scan` does the same in chunks: matrix products inside a chunk, and one state handed
from chunk to chunk. At the first token of a document the state is zero.
"""

# B sequences, T tokens, D model, E inner (H*P), H heads, P width of a head, G groups, R heads in a group (H/G),
# N state, C chunks, Q and S tokens in a chunk, X channels of the convolution (E + 2*G*N)

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad, silu, softplus

from trainer.config import Config
from trainer.layout import Layout


def scan_ref(x_BTHP: Tensor, dt_BTH: Tensor, A_H: Tensor, B_BTGN: Tensor, C_BTGN: Tensor, *, layout: Layout) -> Tensor:
    """Return y [B, T, H, P], without the D term, one token after the other."""
    batch, length, heads, width = x_BTHP.shape
    repeat = heads // B_BTGN.shape[2]
    state_BHPN = x_BTHP.new_zeros(batch, heads, width, B_BTGN.shape[3])
    steps = []
    for t in range(length):
        B_BHN = B_BTGN[:, t].repeat_interleave(repeat, 1)
        C_BHN = C_BTGN[:, t].repeat_interleave(repeat, 1)
        goes_on_B = layout.positions[:, t] > 0
        decay_BH = torch.exp(dt_BTH[:, t] * A_H) * goes_on_B[:, None]
        added_BHPN = (dt_BTH[:, t, :, None] * x_BTHP[:, t])[..., None] * B_BHN[:, :, None]
        state_BHPN = decay_BH[..., None, None] * state_BHPN + added_BHPN
        steps.append((state_BHPN * C_BHN[:, :, None]).sum(-1))
    return torch.stack(steps, 1)


def scan(
    x_BTHP: Tensor, dt_BTH: Tensor, A_H: Tensor, B_BTGN: Tensor, C_BTGN: Tensor, *, layout: Layout, chunk: int
) -> Tensor:
    """Return what `scan_ref` returns, in chunks of `chunk` tokens."""
    length, heads, groups = x_BTHP.shape[1], x_BTHP.shape[2], B_BTGN.shape[2]
    fill = -length % chunk
    xdt_BCQHP, a_BCQH, B_BCQGN, C_BCQGN = (
        torch.unflatten(pad(tensor, (0, 0) * (tensor.dim() - 2) + (0, fill)), 1, (-1, chunk))
        for tensor in (x_BTHP * dt_BTH[..., None], dt_BTH * A_H, B_BTGN, C_BTGN)
    )
    documents_BCQ = layout.chunks(chunk)
    last_BC = documents_BCQ[:, :, -1]
    before_BC = pad(last_BC, (1, 0), value=-2)[:, :-1]  # the document whose state comes in

    a_BCHQ = a_BCQH.transpose(2, 3).cumsum(-1)
    total_BCH = a_BCHQ[..., -1]

    # Inside a chunk: what token s leaves for token q decays between them.
    visible_BCQS = (documents_BCQ[..., None] == documents_BCQ[:, :, None]).tril()
    decay_BCHQS = (a_BCHQ[..., None] - a_BCHQ[..., None, :]).masked_fill(~visible_BCQS[:, :, None], -torch.inf).exp()
    B_BCGQN, C_BCGQN = B_BCQGN.transpose(2, 3), C_BCQGN.transpose(2, 3)
    scores_BCGQS = C_BCGQN @ B_BCGQN.transpose(-1, -2)
    mixed_BCGRQS = torch.unflatten(decay_BCHQS, 2, (groups, -1)) * scores_BCGQS[:, :, :, None]
    y_BCHQP = mixed_BCGRQS.flatten(2, 3) @ xdt_BCQHP.transpose(2, 3)

    # The state that each chunk leaves, and the one that comes into it.
    leaves_BCQH = (total_BCH[:, :, None] - a_BCHQ.transpose(2, 3)).exp() * (documents_BCQ == last_BC[..., None])[
        ..., None
    ]
    left_BCQHP = xdt_BCQHP * leaves_BCQH[..., None]
    given_BCGQE = torch.unflatten(left_BCQHP, 3, (groups, -1)).flatten(4).transpose(2, 3)
    added_BCGEN = given_BCGQE.transpose(-1, -2) @ B_BCGQN
    kept_BCH = total_BCH.exp() * (last_BC == before_BC)[..., None]
    kept_BCGE1 = torch.unflatten(kept_BCH.repeat_interleave(x_BTHP.shape[3], 2), 2, (groups, -1))[..., None]
    states = [torch.zeros_like(added_BCGEN[:, 0])]
    for added, kept in zip(added_BCGEN.unbind(1)[:-1], kept_BCGE1.unbind(1)[:-1], strict=True):
        states.append(kept * states[-1] + added)
    enters_BCQH = a_BCHQ.transpose(2, 3).exp() * (documents_BCQ == before_BC[..., None])[..., None]
    from_state_BCGQE = C_BCGQN @ torch.stack(states, 1).transpose(-1, -2)
    from_state_BCQHP = torch.unflatten(from_state_BCGQE.transpose(2, 3).flatten(3), 3, (heads, -1))
    y_BCQHP = torch.addcmul(y_BCHQP.transpose(2, 3), from_state_BCQHP, enters_BCQH[..., None])
    return y_BCQHP.flatten(1, 2)[:, :length]


def short_conv(x_BTX: Tensor, weight_X1K: Tensor, bias_X: Tensor, layout: Layout) -> Tensor:
    """Return a causal depthwise convolution that sees zeros before the first token of a document."""
    taps = weight_X1K.shape[2]
    y_BTX = torch.addcmul(bias_X, x_BTX, weight_X1K[:, 0, -1])
    for shift in range(1, min(taps, x_BTX.shape[1])):
        shifted_BTX = pad(x_BTX, (0, 0, shift, 0))[:, : x_BTX.shape[1]]
        if not layout.single:
            shifted_BTX = shifted_BTX * layout.same_document(shift)
        y_BTX = torch.addcmul(y_BTX, shifted_BTX, weight_X1K[:, 0, -1 - shift])
    return y_BTX


class ConvWeights(nn.Module):
    """Weights of `short_conv`, under the names that GraniteMoeHybrid gives them."""

    def __init__(self, channels: int, taps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, taps))
        self.bias = nn.Parameter(torch.zeros(channels))


class Mamba2(nn.Module):
    """A Mamba-2 mixer as in GraniteMoeHybrid: [z | x | B | C | dt] from one projection, and a gated norm at the end."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width, heads = config.width, config.ssm_heads
        groups, state = config.ssm_groups, config.ssm_state
        self.heads, self.groups, self.state, self.chunk = heads, groups, state, config.chunk
        self.inner = config.inner
        channels = self.inner + 2 * groups * state
        self.in_proj = nn.Linear(width, self.inner + channels + heads, bias=False)
        self.conv1d = ConvWeights(channels, config.conv_taps)
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.ones(heads))
        self.norm = nn.RMSNorm(self.inner, config.epsilon)
        self.out_proj = nn.Linear(self.inner, width, bias=False)

    def forward(self, x_BTD: Tensor, layout: Layout) -> Tensor:
        sizes = [self.inner, self.inner + 2 * self.groups * self.state, self.heads]
        z_BTE, conv_BTX, dt_BTH = torch.split(linear(x_BTD, self.in_proj.weight), sizes, -1)
        conv_BTX = silu(short_conv(conv_BTX, self.conv1d.weight, self.conv1d.bias, layout))
        sizes = [self.inner, self.groups * self.state, self.groups * self.state]
        x_BTE, B_BTM, C_BTM = torch.split(conv_BTX, sizes, -1)
        x_BTHP = torch.unflatten(x_BTE, -1, (self.heads, -1))
        B_BTGN, C_BTGN = (torch.unflatten(tensor, -1, (self.groups, -1)) for tensor in (B_BTM, C_BTM))
        dt_BTH = softplus(dt_BTH + self.dt_bias)
        y_BTHP = scan(x_BTHP, dt_BTH, -self.A_log.exp(), B_BTGN, C_BTGN, layout=layout, chunk=self.chunk)
        y_BTE = torch.addcmul(y_BTHP, x_BTHP, self.D[:, None]).flatten(2)
        out_BTD: Tensor = self.out_proj(self.norm(y_BTE * silu(z_BTE)))
        return out_BTD
