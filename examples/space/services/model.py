"""The model. Replace this file first: keep `predict` and the app keeps working.

Plain Python without Gradio, so that it can be tested, reused and moved on its own.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

SIZE = 8
"""Side of the bitmaps, in pixels."""
INK_LEVELS = 16
Bitmap = NDArray[np.float64]
"""Ink from 0 to 16 for each of 8 x 8 pixels, shape (64,)."""
Scores = dict[str, float]
"""Probability of each label, from 0 to 1."""

SAMPLES = {
    "3": "009ga1000083g4000005e200002gf70000003f2004600d7006d15g3000agf500",
    "5": "005gg300009g700000cf200001fgf400009dg9000000ec00005cg800003ff100",
    "8": "0003ca00001e6f00000g6a00000eg200003ef30001g49900004d47800003abf2",
}
"""Three digits that the model was not trained on: ink from 0 to 16 for each of 8 x 8 pixels, in base 17."""


@dataclass(frozen=True)
class Classifier:
    """A trained model and how good it is."""

    estimator: Any
    accuracy: float
    """Share of right answers on data that it was not trained on."""


@cache
def load_classifier() -> Classifier:
    """Train on the digits that scikit-learn ships, once a process (half a second).

    A model of your own would be read from disk here. scikit-learn is imported here and not above because only the
    processes that run the model need it: the server starts a second earlier without.
    """
    from sklearn import calibration, datasets, model_selection, svm  # noqa: PLC0415

    images, labels = cast("Any", datasets).load_digits(return_X_y=True)
    split = cast("Any", model_selection).train_test_split
    train_x, test_x, train_y, test_y = split(images, labels, test_size=0.25, random_state=0, stratify=labels)
    estimator = cast("Any", calibration).CalibratedClassifierCV(cast("Any", svm).SVC(gamma=0.001), ensemble=False)
    estimator.fit(train_x, train_y)
    return Classifier(estimator, accuracy=float(estimator.score(test_x, test_y)))


def predict(bitmaps: list[Bitmap]) -> list[Scores]:
    """Classify a batch.

    Args:
        bitmaps: Each of shape (64,), ink from 0 to 16.

    Returns:
        For each bitmap the probability of every digit.

    """
    estimator = load_classifier().estimator
    rows: list[list[float]] = estimator.predict_proba(np.stack(bitmaps)).tolist()
    return [dict(zip((str(label) for label in estimator.classes_), row, strict=True)) for row in rows]


def sample(digit: str) -> Bitmap:
    """Give one of `SAMPLES`, shape (8, 8)."""
    return np.array([int(ink, 17) for ink in SAMPLES[digit]], dtype=np.float64).reshape(8, 8)
