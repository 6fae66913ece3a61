"""Does a short CPU training on the embedded scenes beat the constant predictor? python -m benchmarks.learning

Trains the MLoRE of Table 2's last row at the smoke scale, for more iterations, on each data set, and compares its
validation metrics with the best prediction that ignores the image. The boundary has no pixel metric; its validation
loss is compared with that of the best constant instead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from densemoe.data.get import get_data
from densemoe.data.loaders import TrainLoader, ValLoader
from densemoe.data.packed import Reader
from densemoe.data.prepare.dataset import prepare_dataset
from densemoe.evaluate.constant import constant_predictor_metrics
from densemoe.evaluate.predict import evaluate
from densemoe.models import build_model
from densemoe.params.atomic import write_text
from densemoe.params.files import Params
from densemoe.params.metrics import METRICS
from densemoe.params.resolve import Step, resolve
from densemoe.params.variant import Variant
from densemoe.tasks import TASKS, make_loss
from densemoe.train.checkpoint import Checkpointer
from densemoe.train.interrupt import StopSignals
from densemoe.train.loop import train
from densemoe.train.provenance import this_session
from densemoe.train.session import balance_weight

BOUNDARY_LOSS = "boundary loss"


def learn(params: Params, dataset: str, iterations: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Metric -> (constant predictor, trained model) on the validation scenes. Writes below `folder` only."""
    base = Step("learning", {"method": "mlore", "dataset": dataset, "backbone": "vit_base"})
    text = resolve(params, [base], "smoke").variant.model_dump(mode="json")
    text["recipe"]["iterations"] = iterations
    variant = Variant.model_validate_json(json.dumps(text))
    facts = params.dataset(dataset)
    raw, packed = folder / "raw" / dataset, folder / "packed" / dataset
    get_data(dataset, variant.data.model_dump(mode="json", exclude={"crop"}), raw, facts, folder / "none")
    prepare_dataset(dataset, raw, packed, facts.frame)
    readers = {split: Reader(packed / split) for split in ("train", "val")}
    crop, outputs = variant.data.crop, facts.outputs

    def val(split: str) -> ValLoader:
        return ValLoader(readers[split], crop=crop, tasks=variant.tasks, batch_size=6)

    constants = constant_predictor_metrics(val("train"), val("val"), outputs)
    weight = variant.recipe.boundary_positive_weight
    constants[BOUNDARY_LOSS] = best_constant_boundary_loss(val("train"), val("val"), weight)

    torch.set_num_threads(1)
    torch.manual_seed(variant.seed)
    model = build_model(variant, outputs, crop)
    losses = {task: make_loss(task, boundary_positive_weight=weight) for task in variant.tasks}
    with StopSignals() as stop:
        train(
            model,
            lambda first: TrainLoader(
                readers["train"],
                crop=crop,
                tasks=variant.tasks,
                batch_size=variant.recipe.batch_size,
                seed=variant.seed,
                start_step=first,
                stop_step=iterations,
            ),
            losses,
            variant.recipe,
            balance_weight=balance_weight(variant),
            checkpoints=Checkpointer(
                folder / "resume" / dataset,
                "learning",
                session=this_session(),
                every_steps=iterations,
                every_seconds=1e9,
                say=lambda text: None,
            ),
            stop=stop,
            seed=variant.seed,
            device=torch.device("cpu"),
            progress=lambda step, values: None,
        )
    meters = {task: TASKS[task].meter(outputs[task]) for task in variant.tasks}
    trained = evaluate(model, val("val"), meters, device=torch.device("cpu"))
    trained[BOUNDARY_LOSS] = mean_boundary_loss(model, val("val"), weight)
    assert trained.keys() == constants.keys()
    return {key: (constants[key], trained[key]) for key in constants}


def best_constant_boundary_loss(train_set: ValLoader, val_set: ValLoader, weight: float) -> float:
    """Validation loss of the constant logit that minimises the balanced loss of the training labels."""
    positive = total = 0.0
    for batch in train_set:
        known = TASKS["boundary"].valid(batch["boundary"])
        positive += float(batch["boundary"][known].sum())
        total += float(known.sum())
    chance = positive / total
    logit = torch.tensor(weight * chance / ((1 - weight) * (1 - chance))).log()
    return mean_boundary_loss(lambda image: logit.expand(image.shape[0], 1, *image.shape[2:]), val_set, weight)


@torch.inference_mode()
def mean_boundary_loss(predict, val_set: ValLoader, weight: float) -> float:
    """Mean over batches of the balanced boundary loss."""
    if isinstance(predict, torch.nn.Module):
        predict.eval()
    loss = make_loss("boundary", boundary_positive_weight=weight)
    values = []
    for batch in val_set:
        output = predict(batch["image"])
        values.append(float(loss(getattr(output, "predictions", {"boundary": output})["boundary"], batch["boundary"])))
    return sum(values) / len(values)


def higher_is_better(key: str) -> bool:
    """Direction of a row of the comparison."""
    return key in METRICS and METRICS[key].sign > 0


def main() -> None:
    """Run both data sets and write reports/benchmarks/learning.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=600)
    args = parser.parse_args()
    lines = [
        "# Learning on the embedded scenes",
        "",
        f"MLoRE with ViT at the smoke scale's widths, {args.iterations} iterations of batch 4 from random weights, one",
        "CPU thread, seed 0, on embedded synthetic scenes. Not comparable with any number of the papers.",
        "",
        "| data set | metric | best constant | trained | minutes |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for dataset in ("pascal_context", "nyud_v2"):
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            rows = learn(Params("params"), dataset, args.iterations, Path(folder))
        minutes = (time.monotonic() - start) / 60
        for key, (constant, trained) in rows.items():
            arrow = "↑" if higher_is_better(key) else "↓"
            lines.append(f"| {dataset} | {key} {arrow} | {constant:.3f} | {trained:.3f} | {minutes:.1f} |")
    text = "\n".join(lines) + "\n"
    write_text(Path("reports/benchmarks/learning.md"), text)
    print(text)


if __name__ == "__main__":
    main()
