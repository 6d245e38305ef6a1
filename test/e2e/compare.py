"""How far two arrays are apart."""
import numpy as np


def relative_error(got, want):
    """The largest difference, relative to the largest magnitude of what is right:
    max |got - want| / max |want|. Infinite when shapes differ or a value is no number."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape or not np.isfinite(got).all():
        return np.inf
    if not want.size:
        return 0.0
    return float(np.abs(got - want).max() / max(np.abs(want).max(), np.finfo(np.float32).tiny))


def relative_norm(got, want):
    """The difference's Euclidean norm relative to that of what is right."""
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    if got.shape != want.shape or not np.isfinite(got).all():
        return np.inf
    return float(np.linalg.norm(got - want) / np.linalg.norm(want))
