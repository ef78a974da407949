"""Region similarity J: the Jaccard index of two masks."""

import numpy as np


def jaccard(prediction: np.ndarray, truth: np.ndarray) -> float:
    """J = |G∩P| / |G∪P| of two boolean masks [H,W]; 1 where both are empty.

    Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for VOS", CVPR 2016, and the public
    DAVIS evaluators.

    >>> jaccard(np.array([[True, True, False]]), np.array([[False, True, True]]))
    0.3333333333333333
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction is {prediction.shape}, truth {truth.shape}")
    counts = (np.count_nonzero(masks) for masks in (prediction & truth, prediction, truth))
    return jaccard_of_counts(*map(int, counts))


def jaccard_of_counts(intersection: int, predicted: int, true: int) -> float:
    """J from the number of pixels in both masks, in the predicted one and in the true one."""
    union = predicted + true - intersection
    return intersection / union if union else 1.0
