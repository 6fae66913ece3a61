"""Load balancing of experts.

Shapes: B batch, E experts, T tasks.
"""

from __future__ import annotations

from torch import Tensor


def cv_squared_importance(gates: Tensor) -> Tensor:
    """Squared coefficient of variation of the experts' importance, summed over modules; a scalar.

    An expert's importance is its mean gate over batch and tasks; the standard deviation is the unbiased one. Only the
    importance term of Shazeer et al. (2017), Eq. 6-7, without their load term, as in the released MLoRE code. One
    expert alone is always balanced.

    Args:
        gates: sparse gates of all modules, [M, B, T, E].
    """
    importance = gates.mean(dim=(1, 2))  # [M, E]
    if importance.shape[-1] == 1:  # the unbiased deviation of a single value is not defined
        return importance.sum() * 0
    return (importance.var(dim=-1) / importance.mean(dim=-1) ** 2).sum()


BALANCES = {"cv_squared_importance": cv_squared_importance}
