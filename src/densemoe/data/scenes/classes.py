"""Names of classes, context ids and body parts of the two data sets."""

PASCAL, NYUD = "pascal_context", "nyud_v2"

# Position = label. VOC 2012.
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip

# Labels in pascal-context/trainval/*.mat (459-class list) of everything that the scenes contain.
CONTEXT_IDS = {
    "aeroplane": 2, "bicycle": 23, "bird": 25, "boat": 31, "bottle": 34, "bus": 45, "car": 59, "cat": 65, "chair": 72,
    "cow": 98, "diningtable": 397, "dog": 113, "horse": 207, "motorbike": 258, "person": 284, "pottedplant": 308,
    "sheep": 347, "sofa": 368, "train": 416, "tvmonitor": 427,
    "sky": 360, "grass": 187, "ground": 189, "road": 324, "building": 44, "tree": 420, "water": 445, "sand": 334,
    "fence": 144, "wall": 440, "floor": 158, "ceiling": 68, "window": 454, "door": 115, "picture": 287, "curtain": 105,
    "cabinet": 46, "book": 33, "rug": 330, "bed": 18,
}  # fmt: skip

# Position + 1 = label in the segmentation PNG; 0 is unlabelled. Spelling of the data set ("refridgerator").
NYUD_CLASSES = (
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture", "counter",
    "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes", "ceiling", "books",
    "refridgerator", "television", "paper", "towel", "shower curtain", "box", "whiteboard", "person", "night stand",
    "toilet", "sink", "lamp", "bathtub", "bag", "otherstructure", "otherfurniture", "otherprop",
)  # fmt: skip

# The 24 part names of people in PASCAL-Part; a pixel's part number is the position here + 1.
PART_NAMES = (
    "hair", "head", "lear", "lebrow", "leye", "lfoot", "lhand", "llarm", "llleg", "luarm", "luleg", "mouth", "neck",
    "nose", "rear", "rebrow", "reye", "rfoot", "rhand", "rlarm", "rlleg", "ruarm", "ruleg", "torso",
)  # fmt: skip

DATASETS = {PASCAL: 1, NYUD: 2}
SPLITS = {"train": 0, "val": 1}
