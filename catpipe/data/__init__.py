"""Examples in memory: data sets, transforms, sampling, batches, augmentation and drawn pictures.

A transform makes pictures into columns, `targets` makes labels into what the network should give:

>>> X, Y = data.pixels(pictures.inputs), data.targets(pictures.targets)
>>> X, Y
(array([[0., 1.]]), array([[0., 1.]]))

An order says which examples each epoch visits; batches follow it without end:

>>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
>>> validating = data.held_out(labels, seed=1, share=1 / 3)
>>> learning = np.setdiff1d(np.arange(9), validating)
>>> order = data.stratified(labels[learning], seed=1)
>>> everything = Batch(np.ones((3, 6)), data.targets(labels[learning]))
>>> batches = data.mini_batches(everything, order, size=3)
>>> [float(next(batches).Y.sum()) for _ in range(2)]
[1.0, 1.0]

Pictures that do not fit into memory are streamed from their file. An augmentation is a function of
a batch's images, a seed and the iteration, so a resumed run sees the pictures that it would have
seen:

>>> from functools import partial
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     save_data(folder, data.draw(seed=1, train=6, test=1), "drawn")
...     stored = stored_pictures(f"{folder}/train_drawn.h5")
...     streamed = stream_batches(stored, size=4, seed=1, epochs=2)
...     ways = [data.flipped, partial(data.shifted, most=2), data.brightened]
...     moved = data.augmented(streamed, (64, 64, 3), ways, seed=1)
...     [batch.X.shape for batch in moved]
[(12288, 4), (12288, 2), (12288, 4), (12288, 2)]
"""

from catpipe.data.augmentation import augmented, brightened, cropped, flipped, shifted
from catpipe.data.batches import (
    Batch,
    balanced_weights,
    batches_in_epoch,
    class_weights,
    full_batches,
    mini_batches,
    normalized,
)
from catpipe.data.conversion import examples_from, inputs_from
from catpipe.data.drawn.drawings import draw
from catpipe.data.examples import DataSet, Examples, one_hot, targets
from catpipe.data.folds import (
    checked_folds,
    groups_of_equal,
    hold_outs,
    leave_one_out,
    stratified_folds,
)
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
    "Examples",
    "Shuffled",
    "Stratified",
    "Subset",
    "augmented",
    "balanced",
    "balanced_weights",
    "batches_in_epoch",
    "brightened",
    "checked_folds",
    "class_weights",
    "cropped",
    "draw",
    "examples_from",
    "flipped",
    "full_batches",
    "groups_of_equal",
    "held_out",
    "hold_outs",
    "inputs_from",
    "leave_one_out",
    "mini_batches",
    "normalized",
    "one_hot",
    "pixels",
    "shifted",
    "shuffled",
    "stratified",
    "stratified_folds",
    "subset",
    "targets",
]
