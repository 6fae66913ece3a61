"""A variant: everything that decides a trained model, and nothing else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from densemoe.params.options import Data, Decoder, Encoder, Options, Recipe, Task

DatasetName = Literal["pascal_context", "nyud_v2"]

# Decoders that run inside the blocks of a ViT, and TaskExpert, whose memory needs scales of one resolution.
_NEEDS_VIT = {"inv_pt", "task_prompter", "task_expert", "m3vit", "mod_squad"}


class Variant(Options):
    """Typed, frozen, closed. Two rows with equal variants share one run."""

    dataset: DatasetName
    tasks: tuple[Task, ...] = Field(min_length=1)
    data: Data
    encoder: Encoder
    decoder: Decoder
    recipe: Recipe
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Variant:
        if len(set(self.tasks)) != len(self.tasks):
            raise ValueError(f"tasks {list(self.tasks)} names a task twice")
        if set(self.recipe.loss_weights) != set(self.tasks):
            raise ValueError(
                f"recipe.loss_weights names {sorted(self.recipe.loss_weights)}, but the tasks are {sorted(self.tasks)}"
            )
        if self.encoder.kind == "vit":
            for side, pixels in zip(("height", "width"), self.data.crop, strict=True):
                if pixels % self.encoder.patch:
                    raise ValueError(
                        f"data.crop {side} {pixels} is not divisible by encoder.patch {self.encoder.patch}"
                    )
        if self.decoder.kind in _NEEDS_VIT and self.encoder.kind != "vit":
            raise ValueError(f"decoder {self.decoder.kind} needs encoder vit, not {self.encoder.kind}")
        return self
