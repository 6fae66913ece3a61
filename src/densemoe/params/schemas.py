"""JSON schemas of the files in params/, generated from the types, for editors (completion, red lines while typing)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from densemoe.params.atomic import write_text
from densemoe.params.claims import ClaimsFile
from densemoe.params.files import SELECTORS, Base, DatasetLayer, Layer, Params, TableFile
from densemoe.params.tolerances import Tolerances
from densemoe.params.variant import Variant

_MODELS: dict[str, type[BaseModel]] = {
    "base": Base,
    "layer": Layer,
    "dataset": DatasetLayer,
    "table": TableFile,
    "tolerances": Tolerances,
    "claims": ClaimsFile,
}


def option_paths(model: type[BaseModel] = Variant, prefix: str = "") -> list[str]:
    """Every dotted key that `set` may name, e.g. decoder.router.k; those of all kinds together."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        paths.append(path)
        for option in _options_in(field.annotation):
            paths += option_paths(option, f"{path}.")
    return sorted(set(paths))


def _options_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) is None:
        return []
    return [option for argument in get_args(annotation) for option in _options_in(argument)]


def schema_texts(params: Params) -> dict[str, str]:
    """File name -> JSON text, one schema per kind of file."""
    keys = {"enum": [*SELECTORS, *option_paths()]}
    grouped = {"anyOf": [keys, {"pattern": "^[a-z0-9_]+/"}]}
    texts = {}
    for name, model in _MODELS.items():
        schema = model.model_json_schema(by_alias=True)
        for holder in (schema, *schema.get("$defs", {}).values()):
            for field in ("set", "base", "baseline"):
                if (part := holder.get("properties", {}).get(field)) is not None:
                    part["propertyNames"] = grouped
        for selector in SELECTORS:  # named here so that an editor can offer them
            schema.setdefault("x-selectors", {})[selector] = params.names(f"{selector}s")
        texts[f"{name}.schema.json"] = json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return texts


def write_schemas(params: Params, folder: Path) -> list[Path]:
    """Write the schemas that changed; returns their paths."""
    changed = []
    for name, text in schema_texts(params).items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            changed.append(path)
    return changed
