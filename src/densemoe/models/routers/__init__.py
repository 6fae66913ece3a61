"""Routers: which experts a task uses for a sample."""

from densemoe.models.routers.noisy_top_k import NoisyTopKRouter

ROUTERS = {"noisy_top_k": NoisyTopKRouter.from_options}
