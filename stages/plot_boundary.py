"""Plot precision and recall of boundaries: python -m stages.plot_boundary --output STEM [LABEL=]FILE ..."""

import argparse
from pathlib import Path

from densemoe.params.atomic import replacing, write_text
from densemoe.params.errors import InputError
from densemoe.report.boundary_curves import curves_csv, draw, read_curve, save
from stages._command import run

COUNTS = ("max_cardinality", "seism_compat")


def main() -> None:
    """Draw the curves of any runs, or of other maps, with lines of equal F; write STEM.png, STEM.svg and STEM.csv."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[LABEL=]FILE",
        help="JSON with a curve, of `stages.score_run --curve FILE` or `stages.score_boundary --curve`",
    )
    parser.add_argument("--output", required=True, type=Path, help="path of the figures without their ending")
    parser.add_argument("--count", choices=COUNTS, default=COUNTS[0], help="how matched pixels are counted")
    args = parser.parse_args()
    curves = []
    for text in args.files:
        label, equals, file = text.rpartition("=")
        curves.append(read_curve(Path(file), args.count, label if equals else None))
    labels = [curve.label for curve in curves]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InputError(f"Two curves are called '{twice}'; name them, as in 'first={args.files[0]}'.")
    figure = draw(curves, args.count)
    written = [args.output.with_name(f"{args.output.name}.{kind}") for kind in ("png", "svg", "csv")]
    for path in written[:2]:
        with replacing(path) as file:
            file.write(save(figure, path))
    write_text(written[2], curves_csv(curves, args.count))
    print(f"wrote {', '.join(map(str, written))}")


if __name__ == "__main__":
    run(main)
