"""Emulation of the pairs that the original matcher loses to its random outlier graph (`seism_compat`).

The original (BSDS's correspondPixels, used by SEISM) solves a square assignment in which every pixel may also go to one
of a few outlier nodes drawn at random: with n1 predicted and n2 ground-truth pixels that have a partner, each pixel of
the larger side draws min(6, n) of the n = min(n1, n2) outlier nodes. A node that nobody draws must be taken by a pixel
of the smaller side, which draws min(6, n - 1) nodes other than its own in the same way; that pixel loses its pair
unless the matching can do without it. Emulated: each node S that nobody drew becomes one more pixel opposite the
smaller side, which may be paired with the pixels that drew it (with its own pixel if none did); the count is the
largest matching of the graph so extended, less the number of S. Larger bottlenecks of the random graph are left out.
"""

from __future__ import annotations

import hashlib

import numpy as np

from densemoe.evaluate.boundary.match import FREE, Matcher, augment

_DRAWS = 6
_FEW = 4 * _DRAWS  # nodes below which drawing again until all differ would take long


def generator(image_id: str, threshold: int) -> np.random.Generator:
    """The random numbers of an image at a threshold (its index), whatever else is scored, and in whatever order."""
    digest = hashlib.sha256(image_id.encode()).digest()
    return np.random.default_rng([*np.frombuffer(digest, "<u4").tolist(), threshold])


def pairs_lost(matcher: Matcher, threshold: int, random: np.random.Generator) -> int:
    """How many pairs of the matching that `matcher` has just made at this threshold the outlier graph costs."""
    graph = matcher.graph
    frame = graph.frame
    predicted = graph.predicted(threshold)
    truth = graph.truth_beside(threshold)
    fewer_predicted = len(predicted) < len(truth)
    smaller, larger = (predicted, truth) if fewer_predicted else (truth, predicted)
    if not smaller.size:
        return 0
    drawn = np.zeros(len(smaller), bool)
    drawn[draw(random, len(larger), len(smaller))] = True
    missed = np.flatnonzero(~drawn)
    if not missed.size:
        return 0
    node, row = who_drew(missed, draw_others(random, len(smaller)))
    mate, far_mate = matcher.truth_mate, matcher.predicted_mate
    if not fewer_predicted:
        mate, far_mate = far_mate, mate
    mate = np.append(mate, np.full(len(missed), FREE, np.int32))
    nodes = np.arange(frame.size, mate.size, dtype=np.int32)
    extra = nodes[node], smaller[row]
    augment(frame, nodes, mate, far_mate.copy(), frame.flags(smaller), extra)
    return int((mate[nodes] == FREE).sum())


def draw(random: np.random.Generator, rows: int, nodes: int) -> np.ndarray:
    """Each row draws min(6, nodes) different ones of that many nodes, evenly: int64 [rows, draws]."""
    draws = min(_DRAWS, nodes)
    if nodes <= _FEW:
        return np.argsort(random.random((rows, nodes)), axis=1)[:, :draws]
    drawn = random.integers(nodes, size=(rows, draws))
    again = np.arange(rows)
    while again.size:
        ordered = np.sort(drawn[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(1)]
        drawn[again] = random.integers(nodes, size=(again.size, draws))
    return drawn


def draw_others(random: np.random.Generator, nodes: int) -> np.ndarray:
    """Each of the nodes draws min(6, nodes - 1) different other ones: int64 [nodes, draws]."""
    drawn = draw(random, nodes, nodes - 1)
    return drawn + (drawn >= np.arange(nodes)[:, None])


def who_drew(missed: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (position in `missed`, row of `drawn` that holds this node); the node's own row where none does."""
    row, column = np.nonzero(np.isin(drawn, missed))
    node = np.searchsorted(missed, drawn[row, column])
    alone = np.setdiff1d(np.arange(len(missed)), node)
    return np.append(node, alone), np.append(row, missed[alone])
