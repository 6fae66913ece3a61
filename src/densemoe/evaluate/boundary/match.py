"""The largest one-to-one matching of predicted and ground-truth pixels within the tolerance.

Augmenting paths in phases (Hopcroft & Karp, SIAM J. Comput. 1973): a breadth-first forest grows from all free pixels of
one side at once, each tree stops at its first free pixel of the other side, and the paths of all trees that got there
are flipped together, since trees share no pixel. The trees that found nothing stay and go on from there in the next
phase, into what the flipped ones held (Azad, Buluc & Pothen, "A parallel tree grafting algorithm for maximum
cardinality matching in bipartite graphs", IPDPS 2015). A phase that finds nothing proves that the matching is largest
(Berge). Two things make it fast here: the pairs of the threshold before are kept where both pixels still exist, so few
pixels are free to begin with; and the forest grows from the side with fewer free pixels. In a large forest of a dense
map most of a disc was seen before: it goes on with a sample of the disc, and once that leads nowhere new, what the rest
of the discs reaches is found on the image by one dilation.
"""

from __future__ import annotations

import numpy as np

from densemoe.evaluate.boundary.pairs import Frame, PairGraph

FREE = -1
_PATIENCE = 1 << 22  # look-ups after which a forest goes on with a sample of the disc, about 10 ms
_SAMPLE = 32  # size of that sample
_MANY = 1024  # free places from which on they are paired step by step


class Matcher:
    """Matches one image at one threshold after the other, fastest in ascending order."""

    def __init__(self, graph: PairGraph, pairs: tuple[np.ndarray, np.ndarray] | None = None):
        """`pairs`: as of a former matcher's `pairs`, to begin with."""
        self.graph = graph
        self.predicted_mate = np.full(graph.frame.size, FREE, np.int32)
        """Place in the frame -> place of the partner, or FREE."""
        self.truth_mate = self.predicted_mate.copy()
        self.cover = np.zeros(len(graph.truth), bool)
        """Ground-truth pixels of the cover that proves the last matching the largest, see `PairGraph.bound`."""
        self._predicted, other = pairs or (graph.truth[:0], graph.truth[:0])
        self.predicted_mate[self._predicted] = other
        self.truth_mate[other] = self._predicted

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of the pixels paired last, predicted and ground truth, int32 [M] each."""
        own = self._predicted[self.predicted_mate[self._predicted] != FREE]
        return own, self.predicted_mate[own]

    def match(self, threshold: int) -> int:
        """Number of pairs of a largest matching at a threshold (its index); the pairs stay in the `mate` arrays."""
        frame, mate, truth_mate = self.graph.frame, self.predicted_mate, self.truth_mate
        predicted, truth = self.graph.predicted(threshold), self.graph.truth_beside(threshold)
        present, true = frame.flags(predicted), frame.flags(truth)
        lost = self._predicted[~present[self._predicted]]
        lost = lost[mate[lost] != FREE]
        truth_mate[mate[lost]] = FREE
        mate[lost] = FREE
        self._predicted = predicted
        free, free_truth = _free(predicted, mate), _free(truth, truth_mate)
        if free_truth.size < free.size:
            _pair_nearest(frame, free_truth, truth_mate, mate, present)
        else:
            _pair_nearest(frame, free, mate, truth_mate, true)
        free, free_truth = _free(free, mate), _free(free_truth, truth_mate)
        if free_truth.size < free.size:
            reached = augment(frame, free_truth, truth_mate, mate, present)
            # the cover: ground truth that the forest does not hold, and predicted pixels that it does
            true[_free(free_truth, truth_mate)] = False
            true[mate[np.flatnonzero(reached)]] = False
            self.cover = true[self.graph.truth]
        else:
            self.cover = augment(frame, free, mate, truth_mate, true)[self.graph.truth]
        return int((mate[predicted] != FREE).sum())


def _free(places: np.ndarray, mate: np.ndarray) -> np.ndarray:
    return places[mate[places] == FREE]


def _pair_nearest(frame: Frame, free: np.ndarray, mate: np.ndarray, far_mate: np.ndarray, far: np.ndarray) -> None:
    """Pair free places with free far ones until none is left beside another, nearest first; mates change in place."""
    waiting = far & (far_mate == FREE)
    if free.size > _MANY:
        # one step of the disc after the other: a step leads no two places to the same
        for step in frame.steps:
            there = free + step
            hit = waiting.take(there)
            own, other = free[hit], there[hit]
            mate[own], far_mate[other], waiting[other] = other, own, False
            free = free[~hit]
        return
    own, other = frame.partners(free, waiting)
    while own.size:
        # each proposes to its nearest; of several proposals to one place the last written stands
        first = np.concatenate([[True], own[1:] != own[:-1]])
        proposer, wanted = own[first], other[first]
        far_mate[wanted] = proposer
        taken = far_mate[wanted] == proposer
        mate[proposer[taken]] = wanted[taken]
        keep = (mate[own] == FREE) & (far_mate[other] == FREE)
        own, other = own[keep], other[keep]


def augment(
    frame: Frame,
    free: np.ndarray,
    mate: np.ndarray,
    far_mate: np.ndarray,
    far: np.ndarray,
    extra: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Pair as many free nodes of one side as augmenting paths allow; the mates change in place.

    Returns the far places that alternating paths reach from the nodes that stay free, bool [places].

    Args:
        frame: of the places.
        free: nodes without a partner: places, and numbers from the frame's size on for nodes that are no pixels.
        mate: partner or FREE, int32 [places and further nodes].
        far_mate: of the other side, int32 [places].
        far: the other side's pixels, bool [places].
        extra: (node, far place), int32 [M] each: whom the nodes that are no pixels may be paired with.

    """
    return _Search(frame, mate, far_mate, far, extra).run(free)


class _Search:
    """What augmenting paths are looked for in; `mate` and `far_mate` are the caller's."""

    def __init__(
        self,
        frame: Frame,
        mate: np.ndarray,
        far_mate: np.ndarray,
        far: np.ndarray,
        extra: tuple[np.ndarray, np.ndarray] | None,
    ):
        self.frame, self.mate, self.far_mate = frame, mate, far_mate
        self.extra = extra or (np.zeros(0, np.int32), np.zeros(0, np.int32))
        self.unseen = far.copy()  # far places in no tree
        self.parent = np.empty(frame.size, np.int32)  # far place -> the node that found it
        self.tree = np.empty(mate.size, np.int32)  # node -> root of its tree
        self.done = np.zeros(mate.size, bool)  # the tree of this root has found a free far place

    def run(self, roots: np.ndarray) -> np.ndarray:
        """Phases until one finds nothing; the far places then reached, bool [places]."""
        far = self.unseen.copy()
        self.tree[roots] = roots
        nodes, taken = [roots], []
        own, other = self._arcs(roots, False) if roots.size else (roots, roots)
        while (ends := self._grow(own, other, nodes, taken)).size:
            self._flip(ends)
            # only the trees that found a place are given up; the others may reach into what those held
            held, mine = np.concatenate(taken), np.concatenate(nodes)
            over = self.done[self.tree[self.parent[held]]]
            mine = mine[~self.done[self.tree[mine]]]
            self.unseen[held[over]] = True
            nodes, taken = [mine], [held[~over]]
            own, other = self._reach_into(held[over], mine)
        return far & ~self.unseen

    def _flip(self, ends: np.ndarray) -> None:
        """Pair anew along the paths from these far places back to their roots."""
        while ends.size:
            node = self.parent[ends]
            before = self.mate[node]
            self.mate[node] = ends
            self.far_mate[ends] = node
            ends = before[before != FREE]

    def _grow(self, own: np.ndarray, other: np.ndarray, nodes: list[np.ndarray], taken: list[np.ndarray]) -> np.ndarray:
        """Grow the trees from arcs (node, far place) on: the free far places found, at most one a tree.

        The way back is in `parent`; the nodes and far places that the trees take are appended to the lists.
        """
        ends = [other[:0]]
        layer, owing = own[:0], []
        lookups = 0
        while True:
            layer, other, end = self._reach(own, other)
            nodes.append(layer)
            taken.append(other)
            if end.size:
                reached, where = np.unique(self.tree[self.parent[end]], return_index=True)
                fresh = ~self.done[reached]
                ends.append(end[where[fresh]])
                self.done[reached] = True
            layer = layer[~self.done[self.tree[layer]]]
            if layer.size:
                lookups += layer.size * len(self.frame.steps)
                hurried = lookups > _PATIENCE
                own, other = self._arcs(layer, hurried)
                if hurried:
                    owing.append(layer)
            elif owing:
                owed = np.concatenate(owing)
                own, other = self._owed(owed[~self.done[self.tree[owed]]])
                owing = []
            else:
                return np.concatenate(ends)

    def _reach(self, own: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Take far places into the trees: (nodes paired with them, all of the far places, the free ones of them)."""
        new = self.unseen[other]
        own, other = own[new], other[new]
        self.parent[other] = own  # the last of several stands
        first = self.parent[other] == own
        own, other = own[first], other[first]
        self.unseen[other] = False
        node, root = self.far_mate[other], self.tree[own]
        free = node == FREE
        node, end = node[~free], other[free]
        self.tree[node] = root[~free]
        return node, other, end

    def _arcs(self, layer: np.ndarray, hurried: bool) -> tuple[np.ndarray, np.ndarray]:
        """(node, unseen far place) for all arcs of the nodes; in a hurry for a sample of the disc."""
        frame = self.frame
        steps = frame.steps[:: max(1, len(frame.steps) // _SAMPLE)] if hurried else frame.steps
        own, other = frame.partners(layer[layer < frame.size], self.unseen, steps)
        further = layer[layer >= frame.size]
        if further.size:
            mine = np.isin(self.extra[0], further)
            own, other = np.append(own, self.extra[0][mine]), np.append(other, self.extra[1][mine])
        return own, other

    def _owed(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(node, unseen far place) for every unseen far place that one of the nodes may be paired with."""
        frame = self.frame
        nodes = nodes[nodes < frame.size]
        if nodes.size * len(frame.steps) < _PATIENCE:
            return frame.partners(nodes, self.unseen)
        flags = frame.flags(nodes)
        other, own = frame.partners(np.flatnonzero(frame.near(flags) & self.unseen), flags)
        return own, other

    def _reach_into(self, places: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(node, far place) for every of the far places that one of the nodes may be paired with."""
        frame = self.frame
        flags = frame.flags(nodes[nodes < frame.size])
        if places.size * len(frame.steps) > _PATIENCE:
            places = places[frame.near(flags)[places]]
        other, own = frame.partners(places, flags)
        if self.extra[0].size:
            mine = np.isin(self.extra[0], nodes) & self.unseen[self.extra[1]]
            own, other = np.append(own, self.extra[0][mine]), np.append(other, self.extra[1][mine])
        return own, other
