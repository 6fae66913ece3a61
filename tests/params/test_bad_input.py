"""Bad input is refused with one sentence that names the file, the key, what was found and what is allowed."""

from __future__ import annotations

import shutil

import pytest

from densemoe.params.errors import InputError
from densemoe.params.files import Params
from densemoe.params.plan import compile_plan

TABLE02 = "tables/mlore/table02.yaml"
TABLE11 = "tables/mlore/table11.yaml"
FIGURE03, FIGURE04 = "tables/mlore/figure03.yaml", "tables/mlore/figure04.yaml"

CASES = [
    pytest.param(
        TABLE11,
        "decoder.router.k: 3",
        "decoder.router.kk: 3",
        ["table11.yaml", "k=3", "decoder.router.kk", "unknown key"],
        id="unknown key",
    ),
    pytest.param(
        TABLE11, "decoder.router.k: 3", "decoder.router.k: 16", ["table11.yaml", "k is 16", "1 to 15"], id="k > N"
    ),
    pytest.param(TABLE11, "decoder.router.k: 3", "decoder.router.k: 0", ["k is 0", "15 experts"], id="k = 0"),
    pytest.param(
        TABLE11, "decoder.router.k: 3", 'decoder.router.k: "3"', ["decoder.router.k", "'3'", "integer"], id="a string"
    ),
    pytest.param(
        TABLE11,
        "decoder.router.k: 3",
        "decoder.router.k: True,",
        ["decoder.router.k", "True", "integer"],
        id="a boolean",
    ),
    pytest.param(
        TABLE11, "decoder.router.k: 3}", "decoder.router.k: 3", ["table11.yaml line", "YAML"], id="broken YAML"
    ),
    pytest.param(
        TABLE11,
        "decoder.router.k: 3",
        "decoder.channels: 642",
        ["642", "divisible by 4", "allowed are multiples of 4"],
        id="width",
    ),
    pytest.param(
        TABLE11, "decoder.router.k: 3", "decoder.generic: {kind: wide}", ["'wide'", "vanilla"], id="unknown kind"
    ),
    pytest.param(
        TABLE11,
        "decoder.router.k: 3",
        "decoder.experts: {kind: low_rank, ranks: [16, 16], kernel_size: 4}",
        ["even", "odd"],
        id="even kernel",
    ),
    pytest.param(
        TABLE11,
        "decoder.router.k: 3",
        "decoder.experts.ranks: [16, 24, 32, 40, 48, 56, 64, 72]",
        ["table11.yaml", "k is 9", "only 8 experts", "decoder.experts.ranks lists one rank", "1 to 8"],
        id="ranks list shorter than k",
    ),
    pytest.param(
        TABLE11,
        "decoder.router.k: 3",
        "decoder.experts.ranks: [16, 0]",
        ["decoder.experts.ranks", "0", "greater than 0"],
        id="rank 0",
    ),
    pytest.param(
        TABLE02,
        "set: {method: baseline}",
        "set: {method: baseline, decoder.router.k: 3}",
        ["decoder.router", "unknown key"],
        id="option of another kind",
    ),
    pytest.param(TABLE11, '"k=6"', '"k=3"', ["table11.yaml", "label 'k=3' stands twice"], id="duplicate row label"),
    pytest.param(
        TABLE11,
        "baseline: {method: single_task}\n",
        "",
        ["table11.yaml", "gain column but no baseline"],
        id="gain without baseline",
    ),
    pytest.param(
        TABLE11, "boundary.ods_f, gain]", "boundary.odsf, gain]", ["boundary.odsf", "allowed are"], id="unknown column"
    ),
    pytest.param(TABLE11, '"78.91"', "78.91", ["paper.semseg.miou", "78.91", "string"], id="printed number not quoted"),
    pytest.param(TABLE11, "method: mlore", "method: mlor", ["mlor", "allowed are", "task_expert"], id="unknown method"),
    pytest.param(
        TABLE11, "backbone: vit_base", "backbones: vit_base", ["no backbone is chosen", "vit_base"], id="no backbone"
    ),
    pytest.param(TABLE11, "table: 11", "table: 12", ["mlore/table12", "rename"], id="file name and number differ"),
    pytest.param(
        TABLE02,
        'counting: {params: used, unit: "2^30", macs: merged}\n',
        "counting: {params: used, macs: merged}\n",
        ["table02.yaml", "row 'Baseline'", "column cost.macs", "counting.unit is missing"],
        id="a cost column that does not say its unit",
    ),
    pytest.param(
        TABLE02,
        'unit: "2^30"',
        'unit: "10^6"',
        ["table02.yaml", "counting", "'unit' is '10^6'", "2^30", "10^9"],
        id="unknown unit",
    ),
    pytest.param(
        TABLE02,
        "counting: {macs: plain}",
        "counting: {macs: merged}",
        ["row 'Baseline'", "counting.macs is merged", "experts of kind low_rank"],
        id="a baseline cannot be merged",
    ),
    pytest.param(
        TABLE02,
        "counting: {macs: plain}",
        "counting: {macs: plain, params: with_second_heads}",
        ["row 'Baseline'", "counting.params is with_second_heads", "needs decoder mlore"],
        id="a baseline has no unused modules",
    ),
    pytest.param(
        TABLE11,
        "base: {method: mlore",
        "counting: {params: used}\nbase: {method: mlore",
        ["table11.yaml", "counting.params is set", "no cost column"],
        id="counting without a cost column",
    ),
    pytest.param(
        "tables/mlore/table01.yaml",
        "macs: merged, moe/macs: top_k",
        "macs: merged",
        ["table01.yaml", "counting.macs is merged"],
        id="standard experts cannot be merged",
    ),
    pytest.param(
        FIGURE04,
        'row: "(a) MLoRE"',
        'row: "(a)"',
        ["figure04.yaml", "names the row '(a)'", "(a) MLoRE"],
        id="plot of an unknown row",
    ),
    pytest.param(
        FIGURE04,
        "decoder.generic: {kind: none}",
        "method: baseline",
        ["figure04.yaml", "routing of row '(b) without the generic path'", "no trained router that chooses"],
        id="routing of a run without a router",
    ),
    pytest.param(
        FIGURE04,
        "decoder.generic: {kind: none}",
        "decoder.experts.ranks: [], decoder.router.k: 0, decoder.balance: {kind: none}",
        ["figure04.yaml", "no trained router that chooses", "mlore with experts"],
        id="routing of a run without experts",
    ),
    pytest.param(
        FIGURE04, "kind: sharing", "kind: pie", ["figure04.yaml", "'pie'", "activation"], id="unknown kind of plot"
    ),
    pytest.param(FIGURE03, "    y: gain", "    y: gains", ["'gains'", "semseg.miou"], id="plot of an unknown column"),
    pytest.param(
        FIGURE03, "mlore/table11, row: 1", "mlore/table11, row: 6", ["row 6", "1 to 5"], id="printed in no such row"
    ),
    pytest.param(
        FIGURE03,
        "printed_in: [{table: mlore/table11, row: 1}]",
        'printed_in: [{table: mlore/table11, row: 1}]\n    paper: {gain: "-0.72"}',
        ["'k=3'", "both `paper` and `printed_in`"],
        id="printed twice",
    ),
    pytest.param(
        "tables/mlore/figure01.yaml", "group: nyud_v2}", "group: nyud}", ["group 'nyud'", "nyud_v2"], id="unknown group"
    ),
    pytest.param(
        "scales/smoke.yaml",
        "recipe.batch_size: 4",
        "recipe.batch: 4",
        ["recipe.batch", "scale smoke"],
        id="key of a scale",
    ),
    pytest.param("base.yaml", "power: 0.9", "power: -1", ["schedule.power", "greater than 0"], id="value out of range"),
    pytest.param("base.yaml", "1.0e-6", "1e-6", ["weight_decay", "number"], id="1e-6 is a string to YAML 1.1"),
    pytest.param(
        TABLE11, "source:", "seeds: [0, 1, 0]\nsource:", ["table11.yaml", "[0, 1, 0]", "seed twice"], id="a seed twice"
    ),
    pytest.param(TABLE11, "source:", "seeds: [-1]\nsource:", ["table11.yaml", "seeds.0", "-1"], id="a negative seed"),
    pytest.param(
        "methods/mlore.yaml",
        "title: MLoRE\n",
        "title: MLoRE\nseeds: [0]\n",
        ["mlore.yaml", "'seeds'"],
        id="seeds of a method",
    ),
    pytest.param(
        TABLE11,
        "columns: [gain], text",
        "columns: [gains], text",
        ["table11.yaml", "row 'k=3'", "gains", "semseg.miou"],
        id="a note on an unknown column",
    ),
    pytest.param(TABLE11, "kind: misprint", "kind: typo", ["notes.0.kind", "'typo'", "misprint"], id="kind of a note"),
    pytest.param(
        "methods/mlore.yaml", "title: MLoRE\n", "title: MLoRE\ntitle: again\n", ["title", "twice"], id="key given twice"
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "named"), CASES)
def test_refused_with_one_sentence(root, tmp_path, file, old, new, named):
    shutil.copytree(root / "params", tmp_path / "params", ignore=shutil.ignore_patterns("plan"))
    path = tmp_path / "params" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        compile_plan(Params(tmp_path / "params"), "smoke")
    message = str(caught.value)
    assert all(word in message for word in named), message
    assert "\n" not in message and len(message) < 600, message
    assert not (tmp_path / "params/plan").exists()


def test_unknown_names_list_what_is_allowed(params):
    with pytest.raises(InputError, match="Unknown scale 'big'; allowed are paper, pilot, smoke"):
        compile_plan(params, "big")
    with pytest.raises(InputError, match="Unknown table 'mlore/table99'; allowed are mlore/figure01"):
        params.table("mlore/table99")
