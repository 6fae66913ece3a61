"""What a surface looks like: two colours, a pattern that mixes them, grain, gloss and glow.

Colours are linear reflectances in 0..1 (not display values): a strong red is about (0.5, 0.03, 0.03).
"""

from dataclasses import dataclass

from densemoe.data.scenes.draw import Draw
from densemoe.data.scenes.vectors import Vector

# How `second` is mixed into `color`, see textures.py.
PLAIN, STRIPES, PLANKS, CHECKS, BLOTCHES, WINDOWS, SPINES, SLATS, VIEW, CLOUDS = range(10)

PALETTE: dict[str, Vector] = {
    "red": (0.50, 0.03, 0.03),
    "orange": (0.62, 0.20, 0.03),
    "yellow": (0.70, 0.50, 0.04),
    "green": (0.05, 0.28, 0.07),
    "teal": (0.03, 0.27, 0.28),
    "blue": (0.04, 0.12, 0.48),
    "navy": (0.02, 0.03, 0.13),
    "purple": (0.20, 0.05, 0.32),
    "pink": (0.65, 0.20, 0.30),
    "brown": (0.20, 0.09, 0.04),
    "beige": (0.55, 0.42, 0.27),
    "white": (0.80, 0.80, 0.78),
    "grey": (0.24, 0.25, 0.27),
    "black": (0.02, 0.02, 0.025),
}
_SKINS = ((0.62, 0.36, 0.26), (0.42, 0.22, 0.14), (0.16, 0.08, 0.05))
_HAIRS = ((0.02, 0.015, 0.01), (0.09, 0.045, 0.02), (0.30, 0.18, 0.06), (0.30, 0.29, 0.28))
_WOODS = ((0.30, 0.15, 0.06), (0.13, 0.06, 0.03), (0.50, 0.32, 0.16), (0.40, 0.22, 0.10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Look of a surface. ``scale`` is pattern cells per metre, ``grain`` the strength of fine noise."""

    color: Vector
    second: Vector = (0.0, 0.0, 0.0)
    pattern: int = PLAIN
    scale: float = 3.0
    grain: float = 0.12
    gloss: float = 0.0
    glow: float = 0.0


def vary(draw: Draw, color: Vector, amount: float = 0.15) -> Vector:
    """A colour near the given one."""
    level = 1.0 + draw.uniform(-amount, amount)
    return tuple(min(max(c * level * (1.0 + draw.uniform(-amount, amount) * 0.5), 0.01), 0.92) for c in color)


def any_color(draw: Draw, *without: str) -> Vector:
    """A colour of the palette, slightly varied; names in ``without`` are left out."""
    return vary(draw, PALETTE[draw.pick([name for name in PALETTE if name not in without])], 0.25)


def paint(draw: Draw, color: Vector | None = None, gloss: float = 0.0, grain: float = 0.05) -> Material:
    """An even, painted or plastic surface."""
    return Material(color=any_color(draw) if color is None else vary(draw, color), gloss=gloss, grain=grain)


def wood(draw: Draw, scale: float = 4.0) -> Material:
    """Planks with a grain."""
    color = vary(draw, draw.pick(_WOODS), 0.25)
    dark = tuple(c * 0.55 for c in color)
    return Material(color=color, second=dark, pattern=PLANKS, scale=scale, grain=0.22, gloss=0.15)


def fabric(draw: Draw, scale: float = 8.0) -> Material:
    """Cloth: plain, striped or checked, in two colours."""
    pattern = draw.weighted({PLAIN: 5.0, STRIPES: 1.5, CHECKS: 1.5})
    return Material(color=any_color(draw), second=any_color(draw), pattern=pattern, scale=scale, grain=0.15)


def glass(draw: Draw) -> Material:
    """Dark window glass of a vehicle."""
    return Material(color=vary(draw, (0.03, 0.045, 0.06)), gloss=0.9, grain=0.02)


def metal(draw: Draw) -> Material:
    """Bright metal."""
    return Material(color=vary(draw, (0.42, 0.43, 0.45)), gloss=0.9, grain=0.03)


def rubber(draw: Draw) -> Material:
    """Black rubber."""
    return Material(color=vary(draw, (0.018, 0.018, 0.02)), gloss=0.1, grain=0.05)


def ceramic(draw: Draw) -> Material:
    """White glazed ceramic."""
    return Material(color=vary(draw, (0.82, 0.82, 0.80), 0.04), gloss=0.6, grain=0.02)


def skin(draw: Draw) -> Material:
    """Human skin, three tones."""
    return Material(color=vary(draw, draw.pick(_SKINS)), grain=0.05)


def hair(draw: Draw) -> Material:
    """Human hair, four tones."""
    return Material(color=vary(draw, draw.pick(_HAIRS)), grain=0.35, scale=14.0)


def foliage(draw: Draw) -> Material:
    """Leaves."""
    return Material(color=vary(draw, (0.05, 0.17, 0.025), 0.4), grain=0.75, scale=4.0)
