"""What became of the suite, by operator: printed, as JSON and as Markdown."""
import json
from collections import Counter
from dataclasses import asdict

from attempt import BAD, FIXED, PASS, PARTLY, REFUSED
from tier_a import TIER_A


def summarize(results):
    """group -> counts."""
    groups = {}
    for result in results.values():
        row = groups.setdefault(result.case.group, Counter())
        static, dynamic = result.static, result.dynamic
        row["cases"] += 1
        row["static"] += static.passed
        row["refused"] += static.status == REFUSED
        row["bad"] += static.status in BAD or (dynamic is not None and dynamic.status in BAD)
        if dynamic is not None and static.passed:
            row["dynamic"] += dynamic.status == PASS
            row["partly"] += dynamic.status == PARTLY
            row["fixed"] += dynamic.status == FIXED
            row["static_only"] += dynamic.status == REFUSED
            row["two_sizes"] += dynamic.passed and dynamic.sizes == 2
    return groups


COLUMNS = {"cases": "cases", "static": "pass", "dynamic": "dynamic", "partly": "partly", "fixed": "cannot vary",
           "static_only": "static only", "two_sizes": "second size", "refused": "refused", "bad": "wrong"}


def total(groups):
    return sum(groups.values(), Counter())


def line(name, row):
    return f"{name:34}" + "".join(f"{row[key]:>13}" for key in COLUMNS)


def print_summary(results):
    """The groups that are not whole, and the sum of all."""
    groups = summarize(results)
    print(f"{'':34}" + "".join(f"{title:>13}" for title in COLUMNS.values()))
    for name, row in groups.items():
        if row["static"] < row["cases"] or row["static_only"] or row["bad"]:
            print(line(name + (" (A)" if name in TIER_A else ""), row))
    print(line(f"all {len(groups)} groups", total(groups)))


def write(results, folder, seconds):
    folder.mkdir(parents=True, exist_ok=True)
    groups = summarize(results)
    cases = {name: {"group": result.case.group, "static": asdict(result.static),
                    "dynamic": result.dynamic and asdict(result.dynamic)} for name, result in results.items()}
    (folder / "backend.json").write_text(json.dumps(
        {"seconds": seconds, "total": total(groups), "groups": groups, "cases": cases}, indent=1) + "\n")
    rows = [("operator", "tier A", *COLUMNS.values()), ("---",) * (2 + len(COLUMNS))]
    rows += [(name, "yes" if name in TIER_A else "", *(str(row[key] or "") for key in COLUMNS))
             for name, row in [*groups.items(), ("**all**", total(groups))]]
    text = "# onnx.backend.test through native code\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)
    text += "\n## Refused, and why\n\n| case | reason |\n| --- | --- |\n"
    for name, result in results.items():
        for variant, outcome in ("", result.static), (", dynamic", result.dynamic):
            if outcome is not None and (outcome.status in (REFUSED, *BAD)) and (not variant or result.static.passed):
                reason = outcome.reason.replace("|", "\\|")
                text += f"| {name}{variant} | {outcome.status}: {reason} |\n"
    (folder / "backend.md").write_text(text)
