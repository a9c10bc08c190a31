"""The scan of Mamba-2: state space duality, Dao and Gu 2024 (arXiv:2405.21060, section 6), in plain PyTorch.

    state_t = exp(dt_t * A) * state_{t-1} + dt_t * B_t x_t        A is one negative number for each head
    y_t     = C_t . state_t

`scan_ref` is that, token by token. `scan` does the same in chunks: matrix products inside a chunk, and one state handed
from chunk to chunk. At the first token of a document the state is zero.
"""

# B sequences, T tokens, H heads, P width of a head, G groups, R heads in a group (H/G), N state, C chunks, Z chunks of
# all sequences (B*C), Q and S tokens in a chunk, E inner (H*P), F inner of one group (R*P)

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from trainer.layout import Layout
from trainer.precision import exactly


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
    length = x_BTHP.shape[1]
    tensors = [x_BTHP, dt_BTH, B_BTGN, C_BTGN]
    if fill := -length % chunk:
        tensors = [pad(tensor, (0, 0) * (tensor.dim() - 2) + (0, fill)) for tensor in tensors]
    x_BTHP, dt_BTH, B_BTGN, C_BTGN = tensors
    y_BTHP: Tensor = exactly(_Scan, x_BTHP, dt_BTH, A_H, B_BTGN, C_BTGN, layout, chunk)
    return y_BTHP[:, :length]


class _Decays:
    """How much is left of what, by chunks: all factors between 0 and 1, and 0 from document to document."""

    def __init__(self, dt_BTH: Tensor, A_H: Tensor, layout: Layout, chunk: int) -> None:
        documents_BCQ = layout.chunks(chunk)
        last_BC = documents_BCQ[:, :, -1]
        before_BC = pad(last_BC, (1, 0), value=-2)[:, :-1]  # the document whose state comes in
        self.sum_BCQH = torch.unflatten(dt_BTH * A_H, 1, (-1, chunk)).cumsum(2)
        total_BCH = self.sum_BCQH[:, :, -1]
        leaves_BCQH = (total_BCH[:, :, None] - self.sum_BCQH).exp()
        self.leaves_ZQH1 = (leaves_BCQH * (documents_BCQ == last_BC[..., None])[..., None]).flatten(0, 1)[..., None]
        enters_BCQH = self.sum_BCQH.exp()
        self.enters_ZQH1 = (enters_BCQH * (documents_BCQ == before_BC[..., None])[..., None]).flatten(0, 1)[..., None]
        self.kept_BCH = total_BCH.exp() * (last_BC == before_BC)[..., None]
        same_BCQS = documents_BCQ[..., None] == documents_BCQ[:, :, None]
        self.visible_ZQS = same_BCQS.tril().flatten(0, 1).to(dt_BTH.dtype)
        self.sum_HZQ = self.sum_BCQH.flatten(0, 1).permute(2, 0, 1).contiguous()

    def inside(self, head: int) -> Tensor:
        """Return [Z, Q, S], from token s to token q of the same chunk."""
        sum_ZQ = self.sum_HZQ[head]
        # Sums fall from token to token: the clamp is for hidden pairs. exp(-inf) takes three times as long as exp(0).
        return (sum_ZQ[:, :, None] - sum_ZQ[:, None]).clamp_(max=0).exp_().mul_(self.visible_ZQS)


class _Scan(torch.autograd.Function):
    """Head after head, so that the matrices between the tokens of a chunk stay in the cache and are never stored."""

    @staticmethod
    def forward(
        ctx: Any,
        x_BTHP: Tensor,
        dt_BTH: Tensor,
        A_H: Tensor,
        B_BTGN: Tensor,
        C_BTGN: Tensor,
        layout: Layout,
        chunk: int,
    ) -> Tensor:
        batch, _, heads, width = x_BTHP.shape
        groups = B_BTGN.shape[2]
        decays = _Decays(dt_BTH, A_H, layout, chunk)
        xdt_ZQHP = (x_BTHP * dt_BTH[..., None]).view(-1, chunk, heads, width)
        left_ZQE = (xdt_ZQHP * decays.leaves_ZQH1).flatten(2)
        B_GZQN, C_GZQN = (t.reshape(-1, chunk, groups, t.shape[3]).permute(2, 0, 1, 3) for t in (B_BTGN, C_BTGN))
        parts = heads // groups
        fs = [slice(g * parts * width, (g + 1) * parts * width) for g in range(groups)]

        state_ZNE = _join([B_GZQN[g].transpose(1, 2) @ left_ZQE[..., fs[g]] for g in range(groups)])
        state_BCNHP = state_ZNE.view(batch, -1, state_ZNE.shape[1], heads, width)
        kept_BC1H1 = decays.kept_BCH[:, :, None, :, None]
        entering = torch.empty_like(state_BCNHP)
        entering[:, 0] = 0
        for c in range(1, entering.shape[1]):
            torch.addcmul(state_BCNHP[:, c - 1], entering[:, c - 1], kept_BC1H1[:, c - 1], out=entering[:, c])
        state_ZNE = entering.flatten(0, 1).flatten(2)

        y_ZQE = _join([C_GZQN[g] @ state_ZNE[..., fs[g]] for g in range(groups)])
        y_ZQHP = y_ZQE.view_as(xdt_ZQHP).mul_(decays.enters_ZQH1)
        for g in range(groups):
            scores_ZQS = C_GZQN[g] @ B_GZQN[g].transpose(1, 2)
            for h in range(g * parts, (g + 1) * parts):
                y_ZQHP[:, :, h].baddbmm_(decays.inside(h).mul_(scores_ZQS), xdt_ZQHP[:, :, h])
        y_BTHP = y_ZQHP.view_as(x_BTHP)
        ctx.save_for_backward(x_BTHP, dt_BTH, A_H, B_BTGN, C_BTGN, xdt_ZQHP, state_ZNE, y_BTHP)
        ctx.decays = decays
        return y_BTHP

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x_BTHP, dt_BTH, A_H, B_BTGN, C_BTGN, xdt_ZQHP, state_ZNE, y_BTHP = ctx.saved_tensors
        decays = ctx.decays
        dy_ZQHP = gradients[0].reshape(xdt_ZQHP.shape)
        _, chunk, heads, width = xdt_ZQHP.shape
        batch, groups = x_BTHP.shape[0], B_BTGN.shape[2]
        B_GZQN, C_GZQN = (t.reshape(-1, chunk, groups, t.shape[3]).permute(2, 0, 1, 3) for t in (B_BTGN, C_BTGN))
        parts = heads // groups
        fs = [slice(g * parts * width, (g + 1) * parts * width) for g in range(groups)]

        # What a chunk gives to the chunks after it.
        entered_ZQE = (dy_ZQHP * decays.enters_ZQH1).flatten(2)
        dstate_ZNE = _join([C_GZQN[g].transpose(1, 2) @ entered_ZQE[..., fs[g]] for g in range(groups)])
        dstate_BCNHP = dstate_ZNE.view(batch, -1, dstate_ZNE.shape[1], heads, width)
        kept_BC1H1 = decays.kept_BCH[:, :, None, :, None]
        leaving = torch.empty_like(dstate_BCNHP)
        leaving[:, -1] = 0
        for c in reversed(range(leaving.shape[1] - 1)):
            torch.addcmul(dstate_BCNHP[:, c + 1], leaving[:, c + 1], kept_BC1H1[:, c + 1], out=leaving[:, c])
        leaving_ZNE = leaving.flatten(0, 1).flatten(2)
        left_ZQE = (xdt_ZQHP * decays.leaves_ZQH1).flatten(2)
        dxdt_ZQE = _join([B_GZQN[g] @ leaving_ZNE[..., fs[g]] for g in range(groups)])
        dxdt_ZQHP = dxdt_ZQE.view_as(xdt_ZQHP).mul_(decays.leaves_ZQH1)

        dB_GZQN, dC_GZQN = [], []
        for g in range(groups):
            scores_ZQS = C_GZQN[g] @ B_GZQN[g].transpose(1, 2)
            dscores_ZQS = torch.zeros_like(scores_ZQS)
            for h in range(g * parts, (g + 1) * parts):
                inside_ZQS = decays.inside(h)
                dscores_ZQS.addcmul_(dy_ZQHP[:, :, h] @ xdt_ZQHP[:, :, h].transpose(1, 2), inside_ZQS)
                dxdt_ZQHP[:, :, h].baddbmm_(inside_ZQS.mul_(scores_ZQS).transpose(1, 2), dy_ZQHP[:, :, h])
            dC_ZQN = entered_ZQE[..., fs[g]] @ state_ZNE[..., fs[g]].transpose(1, 2)
            dB_ZQN = left_ZQE[..., fs[g]] @ leaving_ZNE[..., fs[g]].transpose(1, 2)
            dC_GZQN.append(dC_ZQN.baddbmm_(dscores_ZQS, B_GZQN[g]))
            dB_GZQN.append(dB_ZQN.baddbmm_(dscores_ZQS.transpose(1, 2), C_GZQN[g]))
        dB_BTGN, dC_BTGN = (torch.stack(d, 2).view_as(B_BTGN) for d in (dB_GZQN, dC_GZQN))

        # y_q grows with exp(sum_q), and what x_s gives falls with it; a chunk's total multiplies what leaves it.
        dxdt_BTHP = dxdt_ZQHP.view_as(x_BTHP)
        ddt_BTH = (dxdt_BTHP * x_BTHP).sum(-1)
        dsum_BTH = (gradients[0] * y_BTHP).sum(-1) - ddt_BTH * dt_BTH
        dsum_BCQH = torch.unflatten(dsum_BTH, 1, (-1, chunk))
        state_BCNHP = state_ZNE.view_as(leaving)
        dsum_BCQH[:, :-1, -1] += (leaving[:, :-1] * state_BCNHP[:, 1:]).sum((2, 4))
        dstep_BCQH = dsum_BCQH + dsum_BCQH.sum(2, keepdim=True) - dsum_BCQH.cumsum(2)
        dstep_BTH = dstep_BCQH.flatten(1, 2)
        dx_BTHP = dxdt_BTHP.mul_(dt_BTH[..., None])
        dA_H = (dstep_BTH * dt_BTH).sum((0, 1))
        return dx_BTHP, ddt_BTH.addcmul_(dstep_BTH, A_H), dA_H, dB_BTGN, dC_BTGN, None, None


def _join(groups: list[Tensor]) -> Tensor:
    return groups[0] if len(groups) == 1 else torch.cat(groups, -1)
