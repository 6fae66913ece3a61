"""A tiny model with noise, dropout and BatchNorm, on batches that are a function of their step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from densemoe.params.options import Adam, Poly, Recipe
from densemoe.tasks import make_loss
from densemoe.train.checkpoint import Checkpointer
from densemoe.train.curve import Curve
from densemoe.train.interrupt import StopSignals
from densemoe.train.loop import train

CPU = torch.device("cpu")


class TinyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.3)
        self.heads = nn.ModuleDict({"semseg": nn.Conv2d(6, 3, 1), "depth": nn.Conv2d(6, 1, 1)})

    def forward(self, image: Tensor) -> SimpleNamespace:
        x = self.drop(self.norm(self.stem(image)).relu())
        if self.training:
            x = x + 0.1 * torch.randn_like(x)
        balance = x.mean((0, 2, 3)).var() if self.training else None
        return SimpleNamespace(predictions={name: head(x) for name, head in self.heads.items()}, balance=balance)


def make_model() -> TinyModel:
    torch.manual_seed(0)
    return TinyModel()


def make_batch(step: int) -> dict:
    g = torch.Generator().manual_seed(step)
    return {
        "image": torch.randn(2, 3, 8, 8, generator=g),
        "semseg": torch.randint(0, 3, (2, 8, 8), generator=g),
        "depth": 1 + torch.rand(2, 8, 8, generator=g),
        "id": [f"{step}a", f"{step}b"],
    }


def make_recipe(iterations: int) -> Recipe:
    return Recipe(
        version=1,
        iterations=iterations,
        batch_size=2,
        optimizer=Adam(kind="adam", lr=0.01, weight_decay=1e-3),
        schedule=Poly(kind="poly", power=0.9),
        clip_norm=1.0,
        loss_weights={"semseg": 1.0, "depth": 2.0},
        boundary_positive_weight=0.95,
    )


def make_losses() -> dict:
    return {task: make_loss(task, boundary_positive_weight=0.95) for task in ("semseg", "depth")}


SESSION = {"commit": None, "dirty": None, "started": "2026-01-01T00:00:00Z"}


@dataclass
class Tiny:
    """One training of the tiny model in a folder; every attribute may be replaced before `run`."""

    folder: Path
    iterations: int = 6
    every_steps: int = 10**6
    share: float = 10**6  # however long a save takes, the next one may follow at once
    name: str = "tiny"

    def __post_init__(self):
        self.model = make_model()
        self.losses = make_losses()
        self.batch: Callable[[int], dict] = make_batch
        self.said: list[str] = []
        self.steps: list[int] = []
        self.after_step: Callable[[int], None] = lambda step: None
        self.checkpoints = Checkpointer(
            self.folder,
            self.name,
            session=SESSION,
            every_steps=self.every_steps,
            every_seconds=10**6,
            share=self.share,
            say=self.said.append,
        )

    def run(self) -> Curve:
        with StopSignals() as stop:
            return train(
                self.model,
                self._batches,
                self.losses,
                make_recipe(self.iterations),
                balance_weight=0.1,
                checkpoints=self.checkpoints,
                stop=stop,
                seed=3,
                device=CPU,
                progress=self._progress,
            )

    def _batches(self, first: int) -> Iterator[dict]:
        return (self.batch(step) for step in range(first, self.iterations))

    def _progress(self, step: int, values: dict) -> None:
        self.steps.append(step)
        self.after_step(step)

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Tiny]:
    """Makes tiny trainings; those with the same folder (`resume` unless told) share their checkpoints."""

    def make(folder: str = "resume", **options) -> Tiny:
        return Tiny(tmp_path / folder, **options)

    return make
