"""The version of the pixel metrics' definitions. Numbers of different versions never share a column.

Version 1: what InvPT, TaskPrompter and MLoRE compute (their evaluation code; ATRC's where said). Every metric is taken
over the pixels of the whole validation set, on the padded frame at the original resolution; ignored pixels count
nowhere.

semseg.miou, human_parts.miou (%)
    Arg max over the channels; per class the sums of TP, FP and FN over the set; IoU = TP / max(TP + FP + FN, 1e-8);
    mean over all classes, background included. A class that is neither labelled nor predicted counts 0.
saliency.max_f (%)
    p = softmax probability of channel 1, score s = sigmoid(p): the papers' meter applies a sigmoid to what already is
    a probability. Of its thresholds 0.05, 0.10, ..., 0.95 those up to 0.50 therefore select every pixel, those from
    0.75 none, and the others act on p at 0.2007, 0.4055, 0.6190, 0.8473. Selected where s >= threshold; precision P and
    recall R from the sums of the set; F = 1.3 P R / (0.3 P + R), 0 where undefined; the largest F.
saliency.max_f_plain (%)
    The same with s = p, as in ATRC's meter.
normals.mean_deg (degrees)
    Prediction p and label g of unit length; angle = 2 atan2(|p - g|, |p + g|); mean over the pixels of the set.
depth.rmse (metres)
    Pixels with 0 < g < 80; prediction clamped to >= 0, exact zeros to 1e-9; square root of the mean squared difference
    over the pixels of the set (not a mean over images).

A threshold is the float32 number nearest to k/20, compared in float32. Sums are int64 counts or float64.
"""

from __future__ import annotations

PROTOCOL: dict[str, int] = {"pixel_metrics": 1}
