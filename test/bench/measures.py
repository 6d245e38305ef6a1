"""The arithmetic of the benchmarks: what is made of times, limits and outputs."""
import numpy as np

from compare import relative_norm


def quantiles(seconds):
    """Median, 10th and 90th percentile, in milliseconds."""
    p10, median, p90 = np.percentile(np.asarray(seconds) * 1e3, [10, 50, 90])
    return {"median_ms": float(median), "p10_ms": float(p10), "p90_ms": float(p90), "calls": len(seconds)}


def best(times, names):
    """The one of `names` with the least median, of those that were timed; None if none was."""
    return min((name for name in names if name in times), key=lambda name: times[name]["median_ms"], default=None)


def speedup(times, name, peer):
    """How many times as fast as `peer`."""
    return times[peer]["median_ms"] / times[name]["median_ms"]


# The limits of limits.cpp that bound an arithmetic. Narrow numbers may be computed in wider ones.
F32 = ("avx512_f32", "avx2_f32")
BF16 = ("amx_bf16", "avx512_bf16", *F32)
INT8 = ("amx_int8", "avx512_vnni", "avx_vnni", "avx2_int8", *BF16)
PEAKS = {"f32": F32, "bf16": BF16, "int8": INT8}


def peak(limits, arithmetic, threads):
    """The most operations per second that this computer does in `arithmetic`."""
    which = "one" if threads == 1 else "all"
    return max(limits[name][which] for name in PEAKS[arithmetic] if name in limits) * 1e9


def least_seconds(limits, arithmetic, threads, operations, read_bytes=0):
    """The time below which this computer cannot do so many operations and read so many
    bytes from memory; both at once is no slower."""
    which = "one" if threads == 1 else "all"
    return max(operations / peak(limits, arithmetic, threads), read_bytes / (limits["read_memory"][which] * 1e9))


def mean_pooled(hidden, mask):
    """Embeddings: the mean of a sentence's hidden states."""
    mask = mask[..., None].astype(np.float64)
    return (hidden * mask).sum(1) / mask.sum(1)


def cosines(a, b):
    """Of the angles between the rows of two matrices."""
    return (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def accuracy(got, want, masks=None):
    """How far outputs are from right ones, over all batches. With masks: at positions of
    text alone, and the cosines of the sentences' embeddings."""
    if masks is None:
        return {"relative_error": relative_norm(np.concatenate(got), np.concatenate(want))}
    text = [mask.astype(bool) for mask in masks]
    angles = np.concatenate([cosines(mean_pooled(g, m), mean_pooled(w, m)) for g, w, m in zip(got, want, masks)])
    return {"relative_error": relative_norm(np.concatenate([g[t] for g, t in zip(got, text)]),
                                            np.concatenate([w[t] for w, t in zip(want, text)])),
            "cosine": float(angles.mean()), "least_cosine": float(angles.min())}
