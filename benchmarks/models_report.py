"""The Markdown of benchmarks/models.py."""

from __future__ import annotations

from typing import Any


def markdown(results: dict[str, Any]) -> str:
    """Everything measured so far."""
    lines = ["# Speed of the mixture-of-experts models", ""]
    lines += [
        "Ours beside plain implementations with the same weights that loop over tasks and experts in Python, as the",
        "released MLoRE code does (benchmarks/plain_mlore.py, benchmarks/plain_task_expert.py). Reduced sizes, random",
        "weights and images: times say nothing about the papers' networks; ratios are medians of neighbouring runs.",
        "Written by `python -m benchmarks.models`.",
        "",
    ]
    if "cpu" in results:
        lines += _cpu(results["cpu"])
    return "\n".join(lines + _gpu(results.get("cuda"))) + "\n"


def _cpu(cpu: dict[str, Any]) -> list[str]:
    lines = [f"CPU time of one process: {cpu['machine']}.", ""]
    for name, size in cpu["sizes"].items():
        lines += [f"## {name}: ViT-B, {size['what']}", ""]
        rows = {f"MLoRE, {what}": found for what, found in size["mlore"].items()}
        rows |= {f"TaskExpert, {what}": found for what, found in size["task_expert"].items()}
        lines += _pairs(rows, ("ours", "plain"))
        lines += ["", *_pairs({"training step": size["beside the baseline"]}, ("baseline", "MLoRE"))]
        lines += ["", "Largest differences between ours and plain (gradients relative to the largest):", ""]
        lines += [
            "| model | precision | training | gradients | evaluation | merged |",
            "| --- | --- | ---: | ---: | ---: | ---: |",
        ]
        for method, precisions in size["differences"].items():
            for precision, found in precisions.items():
                values = (found.get(k) for k in ("training", "gradients", "evaluation", "merged"))
                cells = " | ".join("" if v is None else f"{v:.0e}" for v in values)
                lines.append(f"| {method} | {precision} | {cells} |")
        lines += ["", "Where the time of our MLoRE training step goes (one step under torch.profiler):", ""]
        lines += ["| operator | shapes of inputs | calls | share |", "| --- | --- | ---: | ---: |"]
        for row in size["profile"]:
            lines.append(f"| {row['operator']} | {row['shapes']} | {row['calls']} | {row['share']:.1%} |")
        lines.append("")
    lines += ["## Experts of a module in evaluation: the chosen 9 of 15 beside all", ""]
    return [*lines, *_pairs(cpu["chosen"], ("chosen", "all")), ""]


def _pairs(rows: dict[str, Any], names: tuple[str, str]) -> list[str]:
    lines = [f"| what | {names[0]}, ms | {names[1]}, ms | {names[1]} / {names[0]} | least to most | pairs |"]
    lines.append("| --- | ---: | ---: | ---: | --- | ---: |")
    for what, row in rows.items():
        lines.append(
            f"| {what} | {row['ours_ms']:.1f} | {row['plain_ms']:.1f} | {row['ratio']:.2f} | "
            f"{row['ratio_min']:.2f} to {row['ratio_max']:.2f} | {row['pairs']} |"
        )
    return lines


def _gpu(gpu: dict[str, Any] | None) -> list[str]:
    if gpu is None:
        return ["## GPU", "", "no GPU: not measured (`python -m benchmarks.models --device cuda` where there is one)"]
    lines = [f"## {gpu['device']}: MLoRE ViT-B, {gpu['image']}, batch {gpu['batch']}, torch {gpu['torch']}", ""]
    lines += [f"Work of a step, as published: {gpu['step_flop'] / 1e12:.3g} TFLOP.", ""]
    lines += ["| mode | matmul, TFLOP/s | | step, ms | peak, GiB | published work over step time, share of matmul |"]
    lines += ["| --- | ---: | --- | ---: | ---: | ---: |"]
    for mode, entry in gpu["modes"].items():
        for name in ("ours", "plain"):
            row = entry[name]
            peak = "" if row["peak_gib"] is None else f"{row['peak_gib']:.2f}"
            lines.append(
                f"| {mode} | {entry['matmul_tflops']:.1f} | {name} | {row['step_ms']:.1f} | {peak} | "
                f"{row['share_of_matmul']:.1%} |"
            )
    return lines
