"""Examples in memory: data sets, transforms, sampling, batches, augmentation and drawn pictures."""

from catpipe.data.augmentation import augmented, brightened, flipped, shifted
from catpipe.data.batches import (
    Batch,
    balanced_weights,
    batches_in_epoch,
    class_weights,
    full_batches,
    mini_batches,
    normalized,
)
from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import DataSet, Pictures, one_hot, targets
from catpipe.data.sampling import (
    Balanced,
    Shuffled,
    Stratified,
    Subset,
    balanced,
    held_out,
    shuffled,
    stratified,
    subset,
)
from catpipe.data.transforms import pixels

__all__ = [
    "Balanced",
    "Batch",
    "DataSet",
    "Pictures",
    "Shuffled",
    "Stratified",
    "Subset",
    "augmented",
    "balanced",
    "balanced_weights",
    "batches_in_epoch",
    "brightened",
    "class_weights",
    "draw",
    "flipped",
    "full_batches",
    "held_out",
    "mini_batches",
    "normalized",
    "one_hot",
    "pixels",
    "shifted",
    "shuffled",
    "stratified",
    "subset",
    "targets",
]
