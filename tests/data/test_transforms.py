"""Fast transforms against the slow chain, bit for bit, with equal random state; single rules by hand."""

from random import Random

import cv2
import numpy as np
import pytest

from densemoe.data import geometry
from densemoe.data.photometric import distort
from densemoe.data.planes import EDGE_BIT, NORMAL_BIT, SALIENT_BIT, pack_bits
from densemoe.data.transforms import NEEDS, check_tasks, train_sample, val_sample
from densemoe.params.errors import InputError
from tests.data import reference_transforms as reference
from tests.data.raw_layouts import blocks

SIZES = ((47, 64), (64, 47), (48, 64), (30, 33))


def random_planes(dataset, size, seed):
    rng = np.random.default_rng([5, seed])
    # one image in three has nearly one class only, so that crops are drawn again
    classes = [0] * 30 + [4] if seed % 3 == 0 else [0, 1, 7, 19, 255]
    planes = {
        "image": cv2.GaussianBlur(rng.integers(0, 256, (*size, 3), np.uint8), (3, 3), 0),
        "semseg": blocks(rng, size, classes, side=11).astype(np.uint8),
        "normals": rng.integers(0, 256, (*size, 3), np.uint8),
    }
    if dataset == "pascal_context":
        people = blocks(rng, size, [0, 0, 0, 1], side=13) if seed % 4 else np.zeros(size, int)
        edge, salient, valid = (rng.random(size) < p for p in (0.1, 0.4, 0.6))
        parts = rng.integers(0, 7, size) * people
        planes["bits"] = pack_bits(parts=parts, edge=edge, salient=salient, normal_valid=valid)
    else:
        planes["edge"] = rng.choice(np.array([0, 90, 255], np.uint8), size)
        planes["depth"] = rng.uniform(0, 9, size).astype(np.float32) * (rng.random(size) < 0.9).astype(np.float32)
    return planes


def same(fast, slow):
    assert set(fast) - {"box"} == set(slow)
    for key, value in slow.items():
        wanted = value.astype(fast[key].dtype)
        # bit patterns, so that -0.0 is not 0.0
        assert fast[key].shape == wanted.shape, key
        assert fast[key].tobytes() == wanted.tobytes(), key


@pytest.mark.parametrize("dataset", sorted(NEEDS))
def test_training_chain_equals_the_slow_one(dataset):
    tasks = tuple(NEEDS[dataset])
    retried = dropped = 0
    for seed in range(160):
        planes = random_planes(dataset, SIZES[seed % 4], seed)
        fast_rng, slow_rng = Random(seed), Random(seed)
        fast = train_sample(planes, dataset, tasks, (48, 64), fast_rng)
        slow, tries = reference.train(planes, dataset, tasks, (48, 64), slow_rng)
        same(fast, slow)
        assert fast_rng.getstate() == slow_rng.getstate()
        retried += tries > 0
        dropped += tries == 10
    assert retried > 20
    assert dropped > 5


@pytest.mark.parametrize(("dataset", "task"), [(d, t) for d, tasks in NEEDS.items() for t in tasks])
def test_single_task_chains_equal_the_slow_one(dataset, task):
    for seed in range(16):
        planes = random_planes(dataset, SIZES[seed % 4], seed)
        fast_rng, slow_rng = Random(seed), Random(seed)
        fast = train_sample(planes, dataset, (task,), (48, 64), fast_rng)
        slow, tries = reference.train(planes, dataset, (task,), (48, 64), slow_rng)
        same(fast, slow)
        assert fast_rng.getstate() == slow_rng.getstate()
        if task != "semseg":
            assert tries == 0


@pytest.mark.parametrize("dataset", sorted(NEEDS))
def test_validation_equals_the_slow_one(dataset):
    for seed in range(12):
        planes = random_planes(dataset, SIZES[seed % 4], seed)
        same(val_sample(planes, dataset, tuple(NEEDS[dataset]), (64, 67)),
             reference.val(planes, dataset, tuple(NEEDS[dataset]), (64, 67)))  # fmt: skip


def test_formats_and_box():
    fast = val_sample(random_planes("nyud_v2", (43, 57), 1), "nyud_v2", tuple(NEEDS["nyud_v2"]), (46, 58))
    assert fast["box"].tolist() == [1, 0, 43, 57]
    kinds = {key: (value.dtype.name, value.shape) for key, value in fast.items()}
    assert kinds == {
        "image": ("float32", (3, 46, 58)),
        "semseg": ("uint8", (46, 58)),
        "depth": ("float32", (46, 58)),
        "normals": ("float32", (3, 46, 58)),
        "boundary": ("float32", (46, 58)),
        "box": ("int64", (4,)),
    }
    assert all(value.flags.c_contiguous and value.flags.writeable for value in fast.values())


def test_padding_of_every_label():
    tasks = tuple(NEEDS["pascal_context"])
    fast = val_sample(random_planes("pascal_context", (30, 40), 1), "pascal_context", tasks, (36, 40))
    for key in ("semseg", "human_parts", "saliency", "boundary", "normals"):
        assert (fast[key][..., :3, :] == 255).all()
        assert (fast[key][..., 33:, :] == 255).all()
    assert not fast["image"][:, :3].any()
    nyud = val_sample(random_planes("nyud_v2", (30, 40), 1), "nyud_v2", ("depth", "boundary", "normals"), (36, 40))
    assert not nyud["depth"][:3].any()
    assert (nyud["boundary"][:3] == 255).all()
    assert (nyud["normals"][:, 33:] == 255).all()
    # raw normals of NYUD are never ignored inside the image
    assert (nyud["normals"][:, 3:33] <= 1).all()


def test_parts_rule_of_a_frame_without_parts():
    planes = random_planes("pascal_context", (30, 40), 1)
    planes["bits"] &= 0b111000
    assert (val_sample(planes, "pascal_context", ("human_parts",), (36, 40))["human_parts"] == 255).all()
    planes["bits"][4, 5] |= 2
    parts = val_sample(planes, "pascal_context", ("human_parts",), (36, 40))["human_parts"]
    assert np.unique(parts, return_counts=True)[1].tolist() == [1199, 1, 240]


def test_one_pixel_by_hand():
    planes = {
        "image": np.full((1, 1, 3), 255, np.uint8),
        "semseg": np.array([[7]], np.uint8),
        "bits": np.array([[3 + EDGE_BIT + SALIENT_BIT + NORMAL_BIT]], np.uint8),
        "normals": np.array([[[255, 0, 128]]], np.uint8),
    }
    s = val_sample(planes, "pascal_context", tuple(NEEDS["pascal_context"]), (1, 1))
    np.testing.assert_allclose(
        s["image"].ravel(), [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225], 1e-6
    )
    assert [int(s[t][0, 0]) for t in ("semseg", "human_parts", "saliency", "boundary")] == [7, 3, 1, 1]
    np.testing.assert_allclose(s["normals"].ravel(), [1, -1, 1 / 255], atol=1e-6)


class Fixed(Random):
    """A generator that answers with given numbers; randint answers the upper bound."""

    def __init__(self, *numbers):
        super().__init__(0)
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0)

    def uniform(self, a, b):
        return self.numbers.pop(0)

    def randint(self, a, b):
        return b


def test_depth_is_divided_by_the_scale_and_holes_stay():
    planes = {"image": np.zeros((4, 6, 3), np.uint8), "depth": np.full((4, 6), 3, np.float32)}
    planes["depth"][:2] = 0
    scaled = geometry.scale(planes, Fixed(1.5))
    assert scaled["depth"].shape == (6, 9)
    assert np.unique(scaled["depth"]).tolist() == [0, 2]
    assert geometry.scale(planes, Fixed(1.0))["depth"] is planes["depth"]


def test_flip_negates_x_only():
    planes = random_planes("nyud_v2", (30, 40), 3)
    flipped, was = geometry.flip(planes, Fixed(0.49))
    assert was
    np.testing.assert_array_equal(flipped["semseg"], planes["semseg"][:, ::-1])
    assert geometry.flip(planes, Fixed(0.5)) == (planes, False)
    # scale 1, flip, then no photometric step
    fast = train_sample(planes, "nyud_v2", ("normals",), (30, 40), Fixed(1.0, 0.0, 0.9, 0.9, 0.9, 0.9, 0.9))
    plain = val_sample(planes, "nyud_v2", ("normals",), (30, 40))
    np.testing.assert_array_equal(fast["normals"], plain["normals"][:, :, ::-1] * np.float32([-1, 1, 1])[:, None, None])
    np.testing.assert_array_equal(fast["image"], plain["image"][:, :, ::-1])


def test_crop_is_not_drawn_when_nothing_can_be_chosen():
    rng = Random(1)
    before = rng.getstate()
    geometry.crop({"image": np.zeros((5, 6, 3), np.uint8), "semseg": np.zeros((5, 6), np.uint8)}, (5, 6), rng)
    assert rng.getstate() == before


def test_the_eleventh_crop_counts_unseen():
    class Counting(Random):
        draws = 0

        def randint(self, a, b):
            Counting.draws += 1
            return super().randint(a, b)

    planes = {"image": np.zeros((50, 60, 3), np.uint8), "semseg": np.zeros((50, 60), np.uint8)}
    assert geometry.crop(planes, (20, 20), Counting(1))["semseg"].shape == (20, 20)
    assert Counting.draws == 2 * 11


@pytest.mark.parametrize(("share", "accepted"), [(75, False), (74, True)])
def test_share_of_the_largest_class(share, accepted):
    semseg = np.full((10, 11), 255, np.uint8)
    semseg.ravel()[:100] = 3
    semseg.ravel()[share:100] = 0
    assert geometry._is_varied(semseg) is accepted


def test_photometric_steps_by_hand():
    image = np.array([[[200, 100, 50]]], np.uint8)
    nothing = (0.9, 0.9, 0.9, 0.9, 0.9)
    np.testing.assert_array_equal(distort(image, Fixed(*nothing)), image)
    brighter = distort(image, Fixed(0.1, 60.7, *nothing[1:]))
    assert brighter.tolist() == [[[255, 160, 110]]]
    # contrast first: 1.5 * 50 = 75, 1.5 * 200 clips
    assert distort(image, Fixed(0.9, 0.1, 0.1, 1.5, 0.9, 0.9)).tolist() == [[[255, 150, 75]]]
    # saturation 0.5: value 200 stays, the others move half-way towards it
    np.testing.assert_allclose(distort(image, Fixed(0.9, 0.9, 0.9 - 0.8, 0.5, 0.9, 0.9)), [[[200, 150, 125]]], atol=1)
    # hue by 17 steps of 2 degrees from 20 to 54 degrees; chroma stays
    np.testing.assert_allclose(distort(image, Fixed(0.9, 0.9, 0.9, 0.1, 0.9)), [[[200, 185, 50]]], atol=2)


def test_unknown_task():
    with pytest.raises(InputError, match="nyud_v2 has no labels for task 'saliency'; allowed are boundary, depth"):
        check_tasks("nyud_v2", ["semseg", "saliency"])
