"""A benchmark's result as Markdown."""
from measures import best, least_seconds, speedup


def load_warning(result):
    """Why the numbers may say little; None if nothing else ran."""
    shares = [peer["others"] for times in result["times"].values() for peer in times.values()]
    busy = min(1, max(shares, default=0))
    if busy > 0.05 or result["load_average"] > 0.5:
        return (f"Something else was running (load average {result['load_average']:.2f} at the start, up to "
                f"{100 * busy:.0f} % of the CPUs during a peer's calls): these numbers say little.")
    return None


def is_ours(name):
    return name.startswith("halftone ")


def percent_of_limit(result, batch, name):
    """How much of the time of a peer's calls the computer's limits explain."""
    peer, cost = result["peers"][name], result["costs"][batch]
    bits = cost.get("weights", 0) * peer["bits"] + cost.get("states", 0) * peer.get("state_bits", 0)
    least = least_seconds(result["machine"]["limits"], peer["arithmetic"], result["threads"], cost["operations"],
                          bits / 8)
    return 100 * least / (result["times"][batch][name]["median_ms"] * 1e-3)


def table(head, rows):
    return [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows), ""]


def limits_table(machine):
    def cell(name, value):
        return f"{value:.1f} GB/s" if name.startswith("read_") else f"{value / 1000:.2f} TOP/s"
    threads = machine["threads"]
    return table(["limit", "one thread", f"{threads} threads"],
                 [[name, cell(name, value["one"]), cell(name, value["all"])]
                  for name, value in machine["limits"].items()])


def times_table(result):
    def cell(batch, name):
        time = result["times"][batch].get(name)
        return f"{time['median_ms']:.2f} ({time['p10_ms']:.2f}–{time['p90_ms']:.2f})" if time else "–"
    batches = list(result["times"])
    return table([f"ms by {result['axis']}", *batches],
                 [[name, *(cell(batch, name) for batch in batches)] for name in working(result)])


def rates_table(result):
    """Of what is counted in tokens."""
    batches = [batch for batch in result["times"] if "tokens" in result["costs"][batch]]
    if not batches:
        return []

    def cell(batch, name):
        time = result["times"][batch].get(name)
        return f"{1e3 * result['costs'][batch]['tokens'] / time['median_ms']:.1f}" if time else "–"
    return table(["tokens per second", *batches],
                 [[name, *(cell(batch, name) for batch in batches)] for name in working(result)])


def shares_table(result):
    """The speed of the best peer is 1."""
    def cell(batch, name):
        times = result["times"][batch]
        peer = best(times, [other for other in times if not is_ours(other)])
        return f"{speedup(times, name, peer):.2f}× · {percent_of_limit(result, batch, name):.0f} %" if name in times else "–"
    batches = list(result["times"])
    return table(["speed against the best peer · of the limit", *batches],
                 [[name, *(cell(batch, name) for batch in batches)] for name in working(result)])


def peers_table(result):
    def cells(name):
        peer, error = result["peers"][name], result["accuracy"].get(name, {})
        def number(key, form):
            return format(error[key], form) if key in error else "–"
        return [name, peer["version"], number("relative_error", ".1e"), number("cosine", ".5f"),
                number("least_cosine", ".5f"), f"{peer['seconds']:.1f}", f"{peer['peak_mb']:.0f}"]
    return table(["", "version", "relative error", "cosine", "least cosine", "prepared in s", "peak MB"],
                 [cells(name) for name in working(result)])


def working(result):
    return [name for name, peer in result["peers"].items() if "error" not in peer]


def markdown(result):
    lines = [f"# {result['title']}, {result['threads']} threads", "", f"{result['cpu']}, {result['when']}.", ""]
    warning = load_warning(result)
    if warning:
        lines += [f"**{warning}**", ""]
    lines += [*limits_table(result["machine"]), *times_table(result), *rates_table(result),
              *shares_table(result), *peers_table(result)]
    absent = [f"- {name}: {peer['error']}" for name, peer in result["peers"].items() if "error" in peer]
    if absent:
        lines += ["Not measured:", "", *absent, ""]
    return "\n".join(lines)
