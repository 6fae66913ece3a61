"""Does a short CPU training on the embedded scenes beat the constant predictor? python -m benchmarks.learning

One single-task training per data set and task: the baseline decoder on a small ViT, random initial weights, one CPU
thread, the papers' augmentation and losses. Its validation metric is compared with that of the best prediction that
does not look at the image (`densemoe.evaluate.constant`), and for the boundary with the odsF of the best constant map,
which is 0 since a constant has no edge. Results go to reports/benchmarks/learning.{json,md}.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from densemoe.data.get import get_data
from densemoe.data.loaders import TrainLoader, ValLoader
from densemoe.data.packed import Reader
from densemoe.data.prepare.dataset import prepare_dataset
from densemoe.data.raw import layout
from densemoe.evaluate.boundary.files import MapFiles
from densemoe.evaluate.boundary.protocol import PROTOCOLS
from densemoe.evaluate.boundary.report import summary
from densemoe.evaluate.boundary.score import score_set
from densemoe.evaluate.constant import constant_predictor_metrics
from densemoe.evaluate.measure import measure
from densemoe.models import build_model
from densemoe.params.atomic import write_json, write_text
from densemoe.params.files import Params
from densemoe.params.metrics import METRICS
from densemoe.params.resolve import Step, resolve
from densemoe.params.variant import Variant
from densemoe.tasks import make_loss
from densemoe.train.checkpoint import Checkpointer
from densemoe.train.interrupt import StopSignals
from densemoe.train.loop import train
from densemoe.train.provenance import this_session

RESULTS = Path("reports/benchmarks/learning.json")


@dataclass(frozen=True)
class Setting:
    """What one training needs to see something: iterations, images, size as a multiple of the smoke scale's."""

    iterations: int = 1000
    images: int = 1024
    size: int = 1
    val_images: int = 64


# small things need larger pictures; absolute depth under random scaling needs more of them
SETTINGS: dict[tuple[str, str], Setting] = {
    ("pascal_context", "semseg"): Setting(iterations=2000, size=2),
    ("pascal_context", "human_parts"): Setting(iterations=3500, size=2),
    ("pascal_context", "saliency"): Setting(),
    ("pascal_context", "normals"): Setting(),
    ("pascal_context", "boundary"): Setting(),
    ("nyud_v2", "semseg"): Setting(iterations=2500),
    ("nyud_v2", "depth"): Setting(iterations=5000, images=1536),
    ("nyud_v2", "normals"): Setting(),
    ("nyud_v2", "boundary"): Setting(),
}


def variant_of(params: Params, dataset: str, task: str, setting: Setting) -> Variant:
    """The smoke scale's single-task variant with a wider encoder and this setting."""
    step = Step("learning", {"method": "single_task", "dataset": dataset, "backbone": "vit_base"})
    tree = resolve(params, [step], "smoke", only_task=task).variant.model_dump(mode="json")
    tree["data"] |= {"train_images": setting.images, "val_images": setting.val_images}
    for key in ("size", "crop"):
        tree["data"][key] = [side * setting.size for side in tree["data"][key]]
    tree["encoder"] |= {"width": 96, "drop_path": 0.0}
    tree["recipe"]["iterations"] = setting.iterations
    tree["recipe"]["optimizer"]["lr"] = 1.0e-3
    return Variant.model_validate_json(json.dumps(tree))


def learn(params: Params, dataset: str, task: str, setting: Setting, folder: Path) -> dict[str, dict[str, float]]:
    """Metric -> constant and trained, on the validation scenes. Writes below `folder` only."""
    variant = variant_of(params, dataset, task, setting)
    facts = params.dataset(dataset)
    outputs = {task: facts.outputs[task]}
    raw, packed = folder / "raw", folder / "packed"
    get_data(dataset, variant.data.model_dump(mode="json", exclude={"crop"}), raw, facts, folder / "none")
    prepare_dataset(dataset, raw, packed, facts.frame)
    readers = {split: Reader(packed / split) for split in ("train", "val")}
    crop, recipe = variant.data.crop, variant.recipe

    def ordered(split: str) -> ValLoader:
        return ValLoader(readers[split], crop=crop, tasks=variant.tasks, batch_size=6)

    torch.set_num_threads(1)
    torch.manual_seed(variant.seed)
    model = build_model(variant, outputs, crop)
    with StopSignals() as stop:
        train(
            model,
            lambda first: TrainLoader(
                readers["train"],
                crop=crop,
                tasks=variant.tasks,
                batch_size=recipe.batch_size,
                seed=variant.seed,
                start_step=first,
                stop_step=recipe.iterations,
            ),
            {task: make_loss(task, boundary_positive_weight=recipe.boundary_positive_weight)},
            recipe,
            balance_weight=0.0,
            checkpoints=Checkpointer(
                folder / "resume",
                "learning",
                session=this_session(),
                every_steps=recipe.iterations,
                every_seconds=1e9,
                say=lambda text: None,
            ),
            stop=stop,
            seed=variant.seed,
            device=torch.device("cpu"),
            progress=lambda step, values: None,
        )
    maps = folder / "boundary.zip"
    trained = measure(model, ordered("val"), outputs, maps, device=torch.device("cpu"))
    if task == "boundary":
        protocol = next(p.name for p in PROTOCOLS.values() if p.dataset == dataset)
        files = MapFiles(maps, raw / layout(dataset).boundary_truth, protocol)
        images = score_set(files, files.predicted_ids(), protocol=protocol)
        trained = summary(images, protocol=protocol)["metrics"]
        constants = {"boundary.ods_f": 0.0}
    else:
        constants = constant_predictor_metrics(ordered("train"), ordered("val"), outputs)
    return {key: {"constant": constants[key], "trained": trained[key]} for key in constants}


def table(results: dict[str, dict]) -> str:
    """Markdown of all results so far."""
    lines = [
        "# Learning on the embedded scenes",
        "",
        "Single-task trainings of a small ViT (width 96, depth 4) with the baseline decoder from random weights,",
        "batch 4, Adam 1e-3, one CPU thread, seed 0, on embedded synthetic scenes; 64 validation scenes. The constant",
        "is the best prediction that ignores the image. Nothing here is comparable with the papers' numbers.",
        "",
        "| data set | metric | best constant | trained | iterations | scenes | image | CPU s |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for (dataset, task), setting in SETTINGS.items():
        if (found := results.get(f"{dataset}/{task}")) is None:
            continue
        for key, values in found["metrics"].items():
            lines.append(
                f"| {dataset} | {METRICS[key].heading} | {values['constant']:.3f} | {values['trained']:.3f} | "
                f"{setting.iterations} | {setting.images} | {found['image']} | {found['cpu_seconds']:.0f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all trainings, or those named, and write the results after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[f"{d}/{t}" for d, t in SETTINGS], help="e.g. nyud_v2/depth")
    args = parser.parse_args()
    params = Params("params")
    for name in args.only:
        dataset, task = name.split("/")
        setting = SETTINGS[dataset, task]
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            metrics = learn(params, dataset, task, setting, Path(folder))
        size = variant_of(params, dataset, task, setting).data.size
        found = {"metrics": metrics, "image": f"{size[0]}x{size[1]}", "cpu_seconds": time.process_time() - start}
        results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        results[name] = found
        write_json(RESULTS, results)
        write_text(RESULTS.with_suffix(".md"), table(results))
        print(name, metrics, flush=True)


if __name__ == "__main__":
    main()
