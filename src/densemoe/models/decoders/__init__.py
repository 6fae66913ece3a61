"""Decoders: (options, widths of the backbone's maps, their grids, outputs per task) -> module.

Its forward takes the list of maps and `record_routing`, and returns a ModelOutput at the resolution of its heads.
"""

from densemoe.models.decoders.baseline import build_baseline
from densemoe.models.decoders.mlore import MloreDecoder
from densemoe.models.decoders.task_expert import TaskExpertDecoder

DECODERS = {
    "baseline": build_baseline,
    "mlore": MloreDecoder.from_options,
    "task_expert": TaskExpertDecoder.from_options,
}
