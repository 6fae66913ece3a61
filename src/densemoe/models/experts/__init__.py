"""The three paths of an MLoRE module: task-sharing experts, the generic path and the task-specific experts."""

from densemoe.models.experts.generic import GENERIC
from densemoe.models.experts.low_rank import LowRankExperts
from densemoe.models.experts.specific import SPECIFIC
from densemoe.models.experts.standard import StandardExperts

__all__ = ["EXPERTS", "GENERIC", "SPECIFIC"]

EXPERTS = {"low_rank": LowRankExperts.from_options, "standard": StandardExperts.from_options}
