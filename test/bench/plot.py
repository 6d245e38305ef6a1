"""A benchmark's result as a picture: milliseconds of each peer, batch by batch."""
from tables import is_ours, working

COOL = ["#475569", "#64748b", "#94a3b8", "#0f766e", "#14b8a6", "#5eead4", "#6d28d9", "#8b5cf6", "#a78bfa", "#1d4ed8",
        "#60a5fa", "#4d7c0f"]
WARM = ["#fdba74", "#f97316", "#c2410c", "#7c2d12", "#facc15", "#ca8a04", "#dc2626", "#7f1d1d"]


def plot(result, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    names, batches = working(result), list(result["times"])
    ours = [name for name in names if is_ours(name)]
    colours = {name: WARM[i % len(WARM)] for i, name in enumerate(ours)}
    colours |= {name: COOL[i % len(COOL)] for i, name in enumerate(n for n in names if n not in ours)}
    figure, axes = pyplot.subplots(1, len(batches), figsize=(3.2 * len(batches) + 1.5, 0.28 * len(names) + 1.6),
                                   sharey=True, squeeze=False)
    for axis, batch in zip(axes[0], batches):
        times = result["times"][batch]
        shown = [name for name in names if name in times]
        places = [len(names) - names.index(name) for name in shown]
        middle = [times[name]["median_ms"] for name in shown]
        spread = [[m - times[n]["p10_ms"] for n, m in zip(shown, middle)],
                  [times[n]["p90_ms"] - m for n, m in zip(shown, middle)]]
        bars = axis.barh(places, middle, 0.75, xerr=spread, color=[colours[name] for name in shown],
                         error_kw={"elinewidth": 0.8, "ecolor": "#334155"})
        axis.bar_label(bars, [f"{m:.2f}" if m < 10 else f"{m:.0f}" for m in middle], padding=3, fontsize=7)
        axis.set(title=batch.replace("x", " × "), xlabel="ms")
        axis.margins(x=0.2)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_yticks([len(names) - i for i in range(len(names))], names, fontsize=8)
    figure.suptitle(f"{result['title']} by {result['axis']}, {result['threads']} threads, {result['cpu']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
