"""Labels agree with each other and with the names of the data sets."""

import numpy as np
import pytest

from densemoe.data.scenes import render_scene
from densemoe.data.scenes.classes import CONTEXT_IDS, NYUD_CLASSES, PART_NAMES, VOC_CLASSES

PASCAL, NYUD = "pascal_context", "nyud_v2"


def test_class_lists_have_the_lengths_of_the_data_sets():
    assert (len(VOC_CLASSES), len(NYUD_CLASSES), len(PART_NAMES)) == (21, 40, 24)
    assert set(VOC_CLASSES[1:]) <= set(CONTEXT_IDS)
    assert len(set(CONTEXT_IDS.values())) == len(CONTEXT_IDS)
    assert all(1 <= number <= 459 for number in CONTEXT_IDS.values())


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (120, 90), (16, 16), (375, 500)])
def test_pascal_labels_agree(size):
    for index in range(1 if size[0] > 300 else 6):
        scene = render_scene(PASCAL, "train", index, size)
        assert scene.image.shape == (*size, 3) and scene.image.dtype == np.uint8
        assert scene.normals.shape == (*size, 3) and scene.normals.dtype == np.uint8
        assert scene.context.dtype == np.uint16 and scene.context.min() >= 1
        assert scene.depth is None and scene.boundary is None
        names = {number: name for name, number in CONTEXT_IDS.items()}
        for number in np.unique(scene.context).tolist():
            cls = names[number]
            expected = VOC_CLASSES.index(cls) if cls in VOC_CLASSES else 0
            assert set(np.unique(scene.semseg[scene.context == number])) == {expected}
        person = VOC_CLASSES.index("person")
        assert np.array_equal(scene.parts > 0, scene.semseg == person)
        union = np.zeros(size, bool)
        for found in scene.voc_objects():
            assert set(np.unique(scene.semseg[found.mask])) == {found.class_index}
            assert VOC_CLASSES[found.class_index] == found.cls
            assert bool(found.parts) == (found.cls == "person")
            for _, mask in found.parts:
                assert mask.any() and not (mask & ~found.mask).any()
            union |= found.mask
        assert np.array_equal(union, scene.semseg > 0)
        assert union.any()


@pytest.mark.parametrize("size", [(53, 70), (70, 53), (16, 16), (425, 560)])
def test_nyud_labels_agree(size):
    for index in range(1 if size[0] > 300 else 6):
        scene = render_scene(NYUD, "val", index, size)
        assert scene.context is None and scene.parts is None and scene.saliency is None
        assert scene.depth.dtype == np.float32 and scene.depth.shape == size
        assert scene.depth.min() >= 0 and 1.0 < scene.depth.max() < 10.0
        assert scene.semseg.dtype == np.uint8 and scene.semseg.max() <= 40
        assert set(np.unique(scene.boundary)) <= {0, 255}
        for number in np.unique(scene.numbers[scene.numbers > 0]).tolist():
            label = NYUD_CLASSES.index(scene.object_classes[number - 1]) + 1
            assert set(np.unique(scene.semseg[scene.numbers == number])) <= {0, label}


def test_boundary_lies_exactly_between_objects():
    """Marked: the object or class to the right or below is another one. Not marked: it is the same."""
    marked = 0.0
    for index in range(8):
        scene = render_scene(NYUD, "train", index, (106, 140))
        edge, number, semseg = scene.boundary > 0, scene.numbers, scene.semseg
        differs, hidden = np.zeros(edge.shape, bool), semseg == 0
        for here, there in (
            ((slice(None), slice(0, -1)), (slice(None), slice(1, None))),
            (slice(0, -1), slice(1, None)),
        ):
            differs[here] |= (number[here] != number[there]) | (semseg[here] != semseg[there])
            hidden[here] |= semseg[there] == 0  # walls, floor and ceiling are told apart by their class alone
        assert np.array_equal(edge & ~hidden, differs & ~hidden)
        assert (edge & ~hidden).any()
        marked += edge.mean()
    assert 0.03 < marked / 8 < 0.25


def test_unlabelled_pixels_lie_beside_borders():
    total = 0.0
    for index in range(8):
        scene = render_scene(NYUD, "train", index, (106, 140))
        near = scene.boundary > 0
        near[1:] |= near[:-1].copy()
        near[:, 1:] |= near[:, :-1].copy()
        assert not ((scene.semseg == 0) & ~near).any()
        total += (scene.semseg == 0).mean()
    assert 0.003 < total / 8 < 0.08


def test_depth_has_some_holes():
    share = [(render_scene(NYUD, "train", i, (106, 140)).depth == 0).mean() for i in range(10)]
    assert 0.003 < np.mean(share) < 0.08
    assert max(share) < 0.3


def test_saliency_has_grey_values_on_both_sides_of_the_threshold():
    grey = salient = hits = objects = 0.0
    for index in range(20):
        scene = render_scene(PASCAL, "train", index, (96, 128))
        grey += ((scene.saliency > 100) & (scene.saliency < 156)).mean()
        salient += (scene.saliency >= 128).mean()
        hits += ((scene.saliency >= 128) & (scene.semseg > 0)).sum()
        objects += (scene.saliency >= 128).sum()
    assert grey / 20 > 0.02
    assert 0.08 < salient / 20 < 0.4
    assert hits / objects > 0.9  # what is salient is an object, but for blurred borders


def test_portrait_and_landscape_show_the_same_scene():
    wide = render_scene(PASCAL, "train", 4, (96, 128))
    tall = render_scene(PASCAL, "train", 4, (128, 96))
    assert wide.object_classes == tall.object_classes
    # Same camera, the longer side sets the angle of view: the middle squares are the same picture.
    assert np.array_equal(wide.context[:, 16:112], tall.context[16:112])


@pytest.mark.slow
def test_every_class_occurs_and_people_are_in_about_two_images_of_five():
    images = 300
    voc, parts, people = np.zeros(21, int), np.zeros(25, int), 0
    for index in range(images):
        scene = render_scene(PASCAL, "train", index, (48, 64))
        voc[np.unique(scene.semseg)] += 1
        parts[np.unique(scene.parts)] += 1
        people += (scene.parts > 0).mean() > 0.003
    assert (voc >= 8).all(), dict(zip(VOC_CLASSES, voc.tolist(), strict=True))
    assert (parts >= 5).all(), dict(zip(("none", *PART_NAMES), parts.tolist(), strict=True))
    assert 0.30 <= people / images <= 0.50
    nyud = np.zeros(41, int)
    for index in range(images):
        nyud[np.unique(render_scene(NYUD, "train", index, (53, 70)).semseg)] += 1
    assert nyud[0] > images // 2
    assert (nyud[1:] >= 8).all(), dict(zip(NYUD_CLASSES, nyud[1:].tolist(), strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cityscapes", "train", 0, (48, 64)), "Unknown data set 'cityscapes'.*pascal_context, nyud_v2"),
        (("nyud_v2", "test", 0, (48, 64)), "Unknown split 'test'.*train, val"),
        (("nyud_v2", "val", -1, (48, 64)), "index -1 is negative"),
        (("nyud_v2", "val", 0, (8, 64)), "8x64 is too small.*16"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        render_scene(*arguments)
