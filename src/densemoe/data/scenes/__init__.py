"""Embedded data: procedural scenes with exact labels, written in the real on-disk layouts of the two data sets.

Scores on these scenes say that the pipeline works; they cannot be compared with scores on photographs.
"""

from densemoe.data.scenes.layout import write_dataset
from densemoe.data.scenes.render import SCENES_VERSION, Scene, SceneObject, render_scene

__all__ = ["SCENES_VERSION", "Scene", "SceneObject", "render_scene", "write_dataset"]
