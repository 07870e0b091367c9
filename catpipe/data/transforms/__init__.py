"""Transforms: inputs become features, as a fold of frozen values.

A transform learns from training examples (`fit`) and makes features of any examples (`apply`):

>>> from catpipe.data import apply_transforms, fit_transforms, read_transforms
>>> pictures = np.random.default_rng(1).random((6, 16, 16, 3))
>>> transforms = read_transforms("mirror_views; grey + downscale:4; standardize")
>>> fitted = fit_transforms(transforms, pictures[:4], seed=1)
>>> apply_transforms(transforms, fitted, pictures[4:]).shape  # two views of two pictures
(4, 304)
"""
