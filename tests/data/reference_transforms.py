"""The transforms of the protocol, slow and obvious: float arrays [H,W,C] from beginning to end, one step at a time."""

import cv2
import numpy as np

SINGLE = {"semseg", "human_parts", "saliency", "boundary", "depth"}


def decode(planes, dataset, tasks):
    """Planes -> float32 arrays [H,W,C], invalid normals (0,0,0)."""
    label = {"semseg": planes["semseg"].astype(np.float32)}
    if dataset == "pascal_context":
        bits = planes["bits"]
        label["human_parts"] = (bits % 8).astype(np.float32)
        label["boundary"] = (bits // 8 % 2).astype(np.float32)
        label["saliency"] = (bits // 16 % 2).astype(np.float32)
        valid = bits // 32 % 2 == 1
    else:
        label["boundary"] = planes["edge"].astype(np.float32) / np.float32(255)
        label["depth"] = planes["depth"].copy()
        valid = np.ones(planes["semseg"].shape, bool)
    normals = np.float32(2) * planes["normals"].astype(np.float32) / np.float32(255) - np.float32(1)
    label["normals"] = np.where(valid[..., None], normals, np.float32(0))
    sample = {"image": planes["image"].astype(np.float32)}
    sample.update({t: label[t][..., None] if t in SINGLE else label[t] for t in tasks})
    return sample


def scale(sample, rng):
    s = rng.uniform(0.5, 2.0)
    out = {}
    for key, value in sample.items():
        h, w = value.shape[:2]
        how = cv2.INTER_LINEAR if key == "image" else cv2.INTER_NEAREST
        # every channel alone, so that nothing depends on their number
        channels = [
            cv2.resize(value[..., c], (int(w * s), int(h * s)), interpolation=how) for c in range(value.shape[2])
        ]
        out[key] = np.stack(channels, -1)
        if key == "depth":
            out[key] = out[key] / np.float32(s)
    return out


def crop(sample, size, rng):
    h, w = sample["image"].shape[:2]

    def draw():
        if (h, w) == size:
            return 0, 0
        return rng.randint(0, max(h - size[0], 0)), rng.randint(0, max(w - size[1], 0))

    def cut(value, at):
        return value[at[0] : at[0] + size[0], at[1] : at[1] + size[1]]

    at = draw()
    tries = 0
    while "semseg" in sample and tries < 10:
        labels = cut(sample["semseg"], at)
        labels = labels[labels != 255].tolist()
        counts = {value: labels.count(value) for value in set(labels)}
        if len(counts) > 1 and max(counts.values()) / len(labels) < 0.75:
            break
        at = draw()
        tries += 1
    return {key: cut(value, at) for key, value in sample.items()}, tries


def flip(sample, rng):
    if rng.random() >= 0.5:
        return sample
    out = {key: value[:, ::-1].copy() for key, value in sample.items()}
    if "normals" in out:
        out["normals"][..., 0] = -out["normals"][..., 0]
    return out


def photometric(image, rng):
    """Float image -> truncated to 8 bit -> distorted, float."""

    def clipped(values):
        return np.clip(values, 0, 255).astype(np.uint8)

    def contrast(image):
        if rng.random() < 0.5:
            image = clipped(image.astype(np.float32) * np.float32(rng.uniform(0.5, 1.5)))
        return image

    image = image.astype(np.uint8)
    if rng.random() < 0.5:
        image = clipped(image.astype(np.float32) + np.float32(rng.uniform(-32, 32)))
    first = rng.random() < 0.5
    if first:
        image = contrast(image)
    if rng.random() < 0.5:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 1] = clipped(hsv[..., 1].astype(np.float32) * np.float32(rng.uniform(0.5, 1.5)))
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if rng.random() < 0.5:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + rng.randint(-18, 17)) % 180
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if not first:
        image = contrast(image)
    return image.astype(np.float32)


def normalise(image):
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    return (image / np.float32(255) - mean) / std


def pad(sample, size):
    out = {}
    for key, value in sample.items():
        h, w, c = value.shape
        frame = np.full((*size, c), 0 if key in ("image", "depth", "normals") else 255, np.float32)
        top, left = (size[0] - h) // 2, (size[1] - w) // 2
        frame[top : top + h, left : left + w] = value
        out[key] = frame
    return out


def ignore(sample):
    out = dict(sample)
    if "normals" in out:
        length = np.sqrt((out["normals"] ** 2).sum(-1))
        out["normals"] = np.where(length[..., None] == 0, np.float32(255), out["normals"])
    if "human_parts" in out and set(np.unique(out["human_parts"])) <= {0, 255}:
        out["human_parts"] = np.full_like(out["human_parts"], 255)
    return out


def finish(sample, size):
    sample = ignore(pad({**sample, "image": normalise(sample["image"])}, size))
    return {key: value[..., 0] if key in SINGLE else value.transpose(2, 0, 1) for key, value in sample.items()}


def train(planes, dataset, tasks, size, rng):
    sample, tries = crop(scale(decode(planes, dataset, tasks), rng), size, rng)
    sample = flip(sample, rng)
    sample["image"] = photometric(sample["image"], rng)
    return finish(sample, size), tries


def val(planes, dataset, tasks, size):
    return finish(decode(planes, dataset, tasks), size)
