"""Run names: readable text plus a short hash of the typed variant. Equal variants, equal names; nothing else enters."""

from __future__ import annotations

import hashlib
import json

from densemoe.params.options import Data, LowRankExperts, MloreDecoder, Options, TaskExpertDecoder, VitEncoder
from densemoe.params.variant import Variant

_VIT_NAMES = {384: "vits", 768: "vitb", 1024: "vitl"}


def canonical(options: Options) -> str:
    """JSON of the typed options; a later knob at its default is left out, so that it renames nothing."""
    return json.dumps(options.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":"))


def short_hash(options: Options) -> str:
    """First 8 hexadecimal digits of the sha256 of the canonical form."""
    return hashlib.sha256(canonical(options).encode()).hexdigest()[:8]


def run_name(variant: Variant) -> str:
    """Name of the run, matching [A-Za-z0-9_]+, e.g. pascal_context_vitb_mlore_n15k9_1f2e3d4c."""
    dataset = variant.dataset.removesuffix("_v2")
    task = f"single_{variant.tasks[0]}" if len(variant.tasks) == 1 else ""
    parts = (dataset, _encoder(variant), variant.decoder.kind if not task else "", task, _decoder(variant))
    return "_".join((*filter(None, parts), short_hash(variant)))


def data_name(dataset: str, data: Data) -> str:
    """Name of the prepared data; crops are made while training and do not enter."""
    if data.kind == "archive":
        return dataset
    height, width = data.size
    return f"{dataset}_scenes{data.version}_{height}x{width}_{data.train_images}_{data.val_images}"


def _encoder(variant: Variant) -> str:
    encoder = variant.encoder
    if isinstance(encoder, VitEncoder):
        return _VIT_NAMES.get(encoder.width, f"vit{encoder.width}x{encoder.depth}")
    structure = encoder.name.removeprefix("hrnet_").replace("_", "")
    return f"hrnet{structure}" if structure.startswith(f"w{encoder.channels[0]}") else f"hrnet{encoder.channels[0]}"


def _decoder(variant: Variant) -> str:
    decoder = variant.decoder
    if isinstance(decoder, TaskExpertDecoder):
        gate = "mlp" if decoder.gate.kind == "mlp" else f"cg{decoder.gate.kernel_size}"
        return f"n{decoder.experts.count}{gate}{'' if decoder.memory.kind == 'none' else 'm'}"
    if not isinstance(decoder, MloreDecoder):
        return ""
    prefix = "n" if isinstance(decoder.experts, LowRankExperts) else "moe"
    return f"{prefix}{decoder.experts.count}k{decoder.router.k}"
