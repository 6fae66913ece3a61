"""The formula that gives MLoRE Table 1 in 22 of its 24 numbers. It was fitted to them, not derived from a network."""

from __future__ import annotations

from densemoe.params.options import LowRankExperts, MloreDecoder

NOTE = (
    "Fitted to the printed numbers after the fact; no module of the paper or of its code has these counts. "
    "With C channels, N experts, T tasks, P positions, kernel size k, rank R and U = (k^2 + 1) C^2: "
    "MoE, (N + T) (U + 2C + d) parameters and (N + T) (U + d) P multiply-adds, where d = C^2/8 + 2C; "
    "MLoRE, k^2 C^2 + C + T (C^2 + C) + N ((k^2 + 1) C R + R + C + e) parameters and "
    "(T k^2 C^2 + T C^2 + N e) P multiply-adds, where e = C^2/8. Each MoE expert counts once, not once per task; the "
    "terms d and e of every expert are what was fitted, and nothing in the paper or its code explains them."
)


def fitted_module(options: MloreDecoder, tasks: int, positions: int) -> dict[str, int]:
    """Parameters and multiply-adds by the formula of NOTE.

    Args:
        options: of the decoder; low-rank experts enter with their mean rank.
        tasks, positions: T, P.
    """
    c, n, k2 = options.channels, options.experts.count, options.experts.kernel_size**2
    if isinstance(options.experts, LowRankExperts):
        rank, e = sum(options.experts.ranks) // n, c * c // 8
        params = k2 * c * c + c + tasks * (c * c + c) + n * ((k2 + 1) * c * rank + rank + c + e)
        return {"params": params, "macs": (tasks * (k2 + 1) * c * c + n * e) * positions}
    unit, d = (k2 + 1) * c * c, c * c // 8 + 2 * c
    return {"params": (n + tasks) * (unit + 2 * c + d), "macs": (n + tasks) * (unit + d) * positions}
