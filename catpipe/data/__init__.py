"""Examples in memory: data sets, inspection, transforms, sampling, batches, augmentation, drawings.

A transform makes pictures into columns, `targets` makes labels into what the network should give:

>>> X, Y = data.pixels(pictures.inputs), data.targets(pictures.targets)
>>> X, Y
(array([[0., 1.]]), array([[0., 1.]]))

Other transforms compose to pipelines, which learn from the training examples alone, here from five
of six pictures; they can be written as one line:

>>> transforms = data.read_transforms("mirror_views; grey + downscale:4; standardize")
>>> floats = data.as_floats(data.draw(seed=1, train=6, test=1)[0].inputs)
>>> fitted = data.fit_transforms(transforms, floats[:5], seed=1)
>>> data.as_columns(data.apply_transforms(transforms, fitted, floats[5:])).shape  # two views
(4144, 2)

Copies, labels that contradict and damage are found before training:

>>> for sentence in data.sentences(data.find_problems(DataSet(pictures, pictures, ("no", "yes")))):
...     print(sentence)
2 test pictures are also training pictures, test 0 = train 0 and test 1 = train 1
4 pictures are of one colour, train 0, train 1, test 0 and test 1

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
from catpipe.data.findings import Findings, sentences
from catpipe.data.folds import (
    checked_folds,
    groups_of_equal,
    hold_outs,
    joined_groups,
    leave_one_out,
    stratified_folds,
)
from catpipe.data.inspection import find_problems
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
from catpipe.data.transforms.codebooks import Codebook, codebook
from catpipe.data.transforms.columns import as_columns, as_floats, pixels
from catpipe.data.transforms.components import PrincipalComponents, principal_components
from catpipe.data.transforms.composition import (
    Beside,
    Chain,
    Transform,
    apply_transforms,
    beside,
    chain,
    fit_and_apply_transforms,
    fit_transforms,
)
from catpipe.data.transforms.descriptors import (
    ColourHistogram,
    OrientedGradients,
    colour_histogram,
    oriented_gradients,
)
from catpipe.data.transforms.notation import read_transforms, write_transforms
from catpipe.data.transforms.pictures import (
    CropViews,
    Downscale,
    Grey,
    MirrorViews,
    crop_views,
    downscale,
    grey,
    mirror_views,
)
from catpipe.data.transforms.scaling import (
    Logarithm,
    ScaleGroups,
    SquareRoot,
    Standardize,
    logarithm,
    scale_groups,
    square_root,
    standardize,
)

__all__ = [
    "Balanced",
    "Batch",
    "Beside",
    "Chain",
    "Codebook",
    "ColourHistogram",
    "CropViews",
    "DataSet",
    "Downscale",
    "Examples",
    "Findings",
    "Grey",
    "Logarithm",
    "MirrorViews",
    "OrientedGradients",
    "PrincipalComponents",
    "ScaleGroups",
    "Shuffled",
    "SquareRoot",
    "Standardize",
    "Stratified",
    "Subset",
    "Transform",
    "apply_transforms",
    "as_columns",
    "as_floats",
    "augmented",
    "balanced",
    "balanced_weights",
    "batches_in_epoch",
    "beside",
    "brightened",
    "chain",
    "checked_folds",
    "class_weights",
    "codebook",
    "colour_histogram",
    "crop_views",
    "cropped",
    "downscale",
    "draw",
    "examples_from",
    "find_problems",
    "fit_and_apply_transforms",
    "fit_transforms",
    "flipped",
    "full_batches",
    "grey",
    "groups_of_equal",
    "held_out",
    "hold_outs",
    "inputs_from",
    "joined_groups",
    "leave_one_out",
    "logarithm",
    "mini_batches",
    "mirror_views",
    "normalized",
    "one_hot",
    "oriented_gradients",
    "pixels",
    "principal_components",
    "read_transforms",
    "scale_groups",
    "sentences",
    "shifted",
    "shuffled",
    "square_root",
    "standardize",
    "stratified",
    "stratified_folds",
    "subset",
    "targets",
    "write_transforms",
]
