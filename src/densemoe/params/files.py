"""The YAML files of params/: layers of overrides, data set facts, tables. Typed, closed, read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, Field, PositiveInt, ValidationError, model_validator

from densemoe.params.archives import Archive
from densemoe.params.errors import InputError, allowed, sentence
from densemoe.params.metrics import METRICS
from densemoe.params.options import Options, Task
from densemoe.params.plots import PlotPanel, rows_of

Scalar = str | int | float | bool | None
Set = dict[str, Any]
"""Dotted path -> value, e.g. `decoder.router.k: 3`; also the selectors `method`, `dataset`, `backbone`."""

_Model = TypeVar("_Model", bound=BaseModel)

SELECTORS = ("method", "dataset", "backbone")
Printed = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$")]
"""A number exactly as printed, quoted so that trailing zeros survive: "85.30"."""


class Source(Options):
    """Why a value is what it is."""

    origin: Literal["paper", "released code", "ours"] = Field(alias="from")
    note: str


Seeds = tuple[Annotated[int, Field(ge=0)], ...]
"""One run per seed; empty: the seed of the variant alone."""


def _distinct(seeds: Seeds) -> None:
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds {list(seeds)} names a seed twice")


class When(Options):
    """Overrides that hold only where every condition does: a selector, or a dotted key of the variant so far."""

    condition: dict[str, Scalar] = Field(alias="if")
    set: Set = Field(default_factory=dict)
    divide: dict[str, int] = Field(default_factory=dict)
    """Dotted path -> divisor; numbers and lists are divided, rounded down, at least 1. For scales only."""
    sources: dict[str, Source] = Field(default_factory=dict)


class Layer(Options):
    """Named overrides: a method, a backbone, a data set or a scale."""

    title: str
    note: str = ""
    extends: str | None = None
    """Another layer of the same folder that comes first."""
    set: Set = Field(default_factory=dict)
    divide: dict[str, int] = Field(default_factory=dict)
    when: tuple[When, ...] = ()
    sources: dict[str, Source] = Field(default_factory=dict)
    seeds: Seeds = ()
    """Every run once per seed, whatever the tables say. For scales only."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Layer:
        _distinct(self.seeds)
        return self


class Split(Options):
    """One split: number of images and the sha256 of its ids joined by newlines (no final one)."""

    images: int
    ids_sha256: str | None = None


class DatasetFacts(Options):
    """What a data set is, whatever the variant."""

    outputs: dict[Task, int]
    """Output channels per task, in the papers' task order."""
    splits: dict[Literal["train", "val"], Split]
    frame: tuple[int, int]
    """Largest image height and width that occur."""
    one_size: bool = False
    """Every image has exactly that size."""
    place_by_hand: str
    """What a person must put where when no mirror serves the archive."""
    archives: tuple[Archive, ...] = ()
    """In order of preference."""
    licence: str = ""
    citation: tuple[str, ...] = ()


class DatasetLayer(Layer):
    """A data set: facts and the overrides that go with it."""

    facts: DatasetFacts


class Base(Options):
    """base.yaml: one complete variant and the source of each of its values."""

    variant: dict[str, Any]
    sources: dict[str, Source]


class PaperRef(Options):
    """Where a table stands."""

    paper: Literal["mlore", "taskexpert"]
    table: int | None = None
    figure: int | None = None

    @model_validator(mode="after")
    def _one(self) -> PaperRef:
        if (self.table is None) == (self.figure is None):
            raise ValueError("source names neither or both of table and figure; exactly one is needed")
        return self

    @property
    def slug(self) -> str:
        """File name without folder, e.g. table02 or figure04."""
        return f"table{self.table:02d}" if self.table is not None else f"figure{self.figure:02d}"


Measure = Literal["plain", "merged", "module_cost"]
NoteKind = Literal["convention", "misprint", "choice", "incomparable"]


class Note(Options):
    """A footnote: on the cells of the named columns, or on the whole row or table where none is named."""

    kind: NoteKind
    """convention: how a number is counted; misprint: a printed number that is doubtful; choice: what the texts leave
    open and how ours decides it; incomparable: the printed number measures something else, so no verdict is given."""
    columns: tuple[str, ...] = ()
    text: str = Field(min_length=1)


class PrintedIn(Options):
    """A row of a table whose printed numbers a figure plots."""

    table: str
    """E.g. mlore/table10."""
    row: PositiveInt
    """Its number there, from 1: labels may be edited."""
    group: str | None = None
    """The column group that shows them, in a file with groups."""


class Row(Options):
    """One row as printed; `set` is its difference from the table's base."""

    label: str
    printed_as: str | None = None
    """The printed label where it is not unique in the table."""
    info: dict[str, str] = Field(default_factory=dict)
    """Printed text columns, e.g. Publication, Backbone."""
    set: Set = Field(default_factory=dict)
    measure: Measure = "plain"
    counting: dict[str, str] = Field(default_factory=dict)
    """Difference from the table's `counting`."""
    paper: dict[str, Printed] = Field(default_factory=dict)
    printed_in: tuple[PrintedIn, ...] = ()
    """Where the printed numbers stand, if in another table: columns of the same name are taken from there."""
    origin: Literal["authors", "quoted", "reproduced by TaskExpert"] = "authors"
    """Who made the printed numbers."""
    note: str = ""
    notes: tuple[Note, ...] = ()


class TableFile(Options):
    """One table or figure of a paper."""

    title: str
    source: PaperRef
    note: str = ""
    notes: tuple[Note, ...] = ()
    seeds: Seeds = ()
    """Every row once per seed; shown as mean and standard deviation."""
    columns: tuple[str, ...] = Field(min_length=1)
    """Metric keys; in a table with groups `group/metric`."""
    groups: dict[str, Set] = Field(default_factory=dict)
    """Column groups that need a run each, e.g. two data sets side by side."""
    counting: dict[str, str] = Field(default_factory=dict)
    """How the printed costs were counted, by key of `Counting`; `group/key` for one column group."""
    baseline: Set | None = None
    """What `gain` is measured against: overrides that make the single-task runs."""
    base: Set
    rows: tuple[Row, ...] = Field(min_length=1)
    plot: tuple[PlotPanel, ...] = ()
    """Panels of the figure; without any, a chart of the columns is drawn."""

    @model_validator(mode="after")
    def _fits(self) -> TableFile:
        labels = [r.label for r in self.rows]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"row label '{label}' stands twice; labels must be unique (use printed_as)")
        for column in self.columns:
            group, _, metric = column.rpartition("/")
            if metric not in METRICS:
                raise ValueError(f"column '{column}' is not a metric; allowed are {allowed(METRICS)}")
            if bool(group) != bool(self.groups) or (group and group not in self.groups):
                raise ValueError(f"column '{column}' does not name one of the groups: {allowed(self.groups)}")
        if self.baseline is None and any(c.rpartition("/")[2] == "gain" for c in self.columns):
            raise ValueError("has a gain column but no baseline; add e.g. `baseline: {method: single_task}`")
        _distinct(self.seeds)
        self._notes_fit("table", self.notes)
        for row in self.rows:
            self._notes_fit(f"row '{row.label}'", row.notes)
            if self.seeds and "seed" in row.set:
                raise ValueError(f"row '{row.label}' sets 'seed', but the table declares seeds {list(self.seeds)}")
            if unknown := set(row.paper) - set(self.columns):
                raise ValueError(
                    f"row '{row.label}' prints {allowed(unknown)}, which is not among the columns "
                    f"{', '.join(self.columns)}"
                )
        return self

    @model_validator(mode="after")
    def _printed_in_fits(self) -> TableFile:
        for row in self.rows:
            if row.paper and row.printed_in:
                raise ValueError(f"row '{row.label}' has both `paper` and `printed_in`; its numbers are printed once")
            for place in row.printed_in:
                if bool(place.group) != bool(self.groups) or (place.group and place.group not in self.groups):
                    raise ValueError(
                        f"row '{row.label}' is printed in {place.table}, group '{place.group or ''}'; "
                        f"allowed are {allowed(self.groups)}"
                    )
        return self

    @model_validator(mode="after")
    def _plot_fits(self) -> TableFile:
        labels = [r.label for r in self.rows]
        for panel in self.plot:
            for label in rows_of(panel):
                if label not in labels:
                    raise ValueError(f"plot '{panel.title}' names the row '{label}'; allowed are {allowed(labels)}")
            column = getattr(panel, "y", None)
            if column is not None and column not in self.columns:
                raise ValueError(f"plot '{panel.title}' shows '{column}'; allowed are {allowed(self.columns)}")
            if self.groups and column is None:
                raise ValueError(f"plot '{panel.title}' shows routing, but a row has a run per group here")
        return self

    def _notes_fit(self, where: str, notes: tuple[Note, ...]) -> None:
        for note in notes:
            if unknown := set(note.columns) - set(self.columns):
                raise ValueError(
                    f"a note of {where} names {allowed(unknown)}, which is not among the columns "
                    f"{', '.join(self.columns)}"
                )


class _UniqueKeys(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """PyYAML's safe loader that refuses a key given twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(k, deep=True) for k, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Content of a YAML file. Raises InputError naming file, line and problem."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: not readable as YAML: {getattr(error, 'problem', error)}.") from None


def parse(model: type[_Model], data: Any, where: str, owner_of: dict[str, str] | None = None) -> _Model:
    """Validate `data` as `model`. Raises InputError with one sentence."""
    try:
        # through JSON: strict types, but a YAML list may be a tuple
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise InputError(sentence(where, error, data, owner_of)) from None
    except TypeError as error:
        raise InputError(f"{where}: {error}.") from None


class Params:
    """The folder params/, read lazily.

    `root` is the folder that holds base.yaml. Every getter raises InputError with one sentence when a file is missing
    or wrong.
    """

    def __init__(self, root: Path | str = "params"):
        self.root = Path(root)
        self.base = cache(self._base)
        self.layer = cache(self._layer)
        self.dataset = cache(self._dataset)
        self.table = cache(self._table)
        self._names_in = cache(self._list_names)

    def names(self, folder: str) -> list[str]:
        """Names of the files of a folder, sorted; tables as `paper/slug`."""
        return list(self._names_in(folder))

    def _list_names(self, folder: str) -> list[str]:
        pattern = "*/*.yaml" if folder == "tables" else "*.yaml"
        files = sorted((self.root / folder).glob(pattern))
        return [f.relative_to(self.root / folder).with_suffix("").as_posix() for f in files]

    def _path(self, folder: str, name: str) -> Path:
        path = self.root / folder / f"{name}.yaml"
        if not path.is_file():
            kind = {"tables": "table", "scales": "scale", "methods": "method"}.get(folder, folder.rstrip("s"))
            raise InputError(f"Unknown {kind} '{name}'; allowed are {allowed(self.names(folder))}.")
        return path

    def _base(self) -> Base:
        path = self.root / "base.yaml"
        return parse(Base, read_yaml(path), str(path))

    def _layer(self, folder: str, name: str) -> Layer:
        path = self._path(folder, name)
        layer = parse(DatasetLayer if folder == "datasets" else Layer, read_yaml(path), str(path))
        if layer.seeds and folder != "scales":
            raise InputError(f"{path}: key 'seeds' belongs into a scale or a table, not into {folder}.")
        return layer

    def _dataset(self, name: str) -> DatasetFacts:
        layer = self.layer("datasets", name)
        assert isinstance(layer, DatasetLayer)
        return layer.facts

    def _table(self, name: str) -> TableFile:
        path = self._path("tables", name)
        table = parse(TableFile, read_yaml(path), str(path))
        if name != f"{table.source.paper}/{table.source.slug}":
            raise InputError(
                f"{path}: source says {table.source.paper}/{table.source.slug}; rename the file or mend it."
            )
        return table

    def pending(self) -> dict[str, str]:
        """Component kinds whose model is not built yet, with the reason: `decoder.pad_net`, `encoder.hrnet` ..."""
        path = self.root / "pending.yaml"
        data = read_yaml(path)
        if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
            raise InputError(f"{path}: must map a component such as 'decoder.pad_net' to a reason.")
        return data
