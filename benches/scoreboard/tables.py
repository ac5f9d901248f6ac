"""The scoreboard as Markdown, between two marks of docs/benchmarks.md."""

import math

from .grid import BOUND, DEFAULTS, OBJECTIVE, OURS, RIVALS, at_an_end, cheapest, points, reaches
from .results import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- scoreboard -->\n", "<!-- end of scoreboard -->"
SETS = {
    "plain-35": "35 requests/s",
    "plain-6": "6 requests/s",
    "guarded-35": "35 requests/s, guarded admission",
    "reserves": "Reserves: a bf16 and an fp8 variant, batch up to 256",
    "short": "Short recordings of requests",
}


def cell(result):
    if result is None:
        return "-"
    text = f"{result['gpu_hours']:.0f} / {100 * result['attainment']:.2f}"
    return f"**{text}**" if reaches(result) else text


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def whole(results, scenario, seeds):
    """Policy to the mean over the seeds, where all are known."""
    by_seed = [results.of(scenario, seed) for seed in seeds]
    common = set(by_seed[0]).intersection(*by_seed[1:])
    figures = ("gpu_hours", "attainment", "starts", "cost_usd", "ttft_p99_ms", "tpot_p99_ms")
    return {
        policy: {f: sum((r[policy].get(f) or 0.0) for r in by_seed) / len(by_seed) for f in figures} for policy in common
    }


def defaults(names, known):
    rows = ["| policy, untouched | " + " | ".join(short(n) for n in names) + " | reached |", "|---" * (len(names) + 2) + "|"]
    for policy in (OURS, *DEFAULTS.values(), BOUND):
        found = [known[n].get(policy) for n in names]
        if any(found):
            reached = sum(1 for r in found if r and reaches(r))
            ran = sum(1 for r in found if r)
            name = "clairvoyant (a bound)" if policy == BOUND else policy
            rows.append(f"| {name} | " + " | ".join(map(cell, found)) + f" | {reached} of {ran} |")
    return rows


def short(scenario):
    return scenario.split("/")[1].removesuffix("-120s")


def against_the_best(names, known):
    """Per trace, ours against the cheapest point of all rivals' grids that reaches the objective."""
    rows = ["| trace | ours | cheapest rival at 99 % | ours / it | bound | ours / bound |", "|---|---|---|---|---|---|"]
    ratios, losses, unreached = [], [], []
    for name in names:
        ours, bound = known[name].get(OURS), known[name].get(BOUND)
        best = cheapest({p: r for p, r in known[name].items() if p not in (OURS, BOUND)})
        if ours is None:
            continue
        rival = "none" if best is None else f"{best[1]}, {best[0]:.0f}" + (" (end of its grid)" if ":" in best[1] and at_an_end(best[1]) else "")
        ratio = ours["gpu_hours"] / best[0] if best and reaches(ours) else None
        to_bound = ours["gpu_hours"] / bound["gpu_hours"] if bound and reaches(bound) and reaches(ours) else None
        if ratio is not None:
            ratios.append(ratio)
            if ratio > 1:
                losses.append(f"{short(name)} (+{100 * (ratio - 1):.0f} %, to {best[1]})")
        if not reaches(ours):
            unreached.append(f"{short(name)} ({100 * ours['attainment']:.2f} %)")
        number = lambda value: "-" if value is None else f"{value:.2f}"
        rows.append(f"| {short(name)} | {cell(ours)} | {rival} | {number(ratio)} | {cell(bound)} | {number(to_bound)} |")
    said = []
    if ratios:
        said.append(
            f"Where both reach {100 * OBJECTIVE:.0f} %: geometric mean {mean(ratios):.2f}, cheaper on "
            f"{sum(1 for r in ratios if r < 1)} of {len(ratios)} (of {len(names)} traces)."
        )
    said.append(f"**Our losses**: missed the objective on {', '.join(unreached) or 'none'}; dearer on {', '.join(losses) or 'none'}.")
    return rows, said


def tried(names, known):
    """How much of the grids was run."""
    counts = []
    for rival in RIVALS:
        grid = points(rival)
        ran = sum(1 for n in names for p in grid if p in known[n])
        if ran:
            counts.append(f"{rival} {ran}")
    return f"Points of the grids that were run: {', '.join(counts)}." if counts else "No grid was run on this set yet."


def section(results, scenarios, seeds):
    text = ["GPU-hours / attainment in percent over 24 hours; bold = at least 99 %. Seeds: " + ", ".join(map(str, seeds)) + ".", ""]
    missing = []
    for kind, title in SETS.items():
        names = [s for s in scenarios if s.startswith(f"{kind}/")]
        groups = {}
        for name in names:
            lead = name.rsplit("-", 1)[1] if kind.startswith("plain") else ""
            groups.setdefault(lead, []).append(name)
        for lead, members in sorted(groups.items(), key=lambda g: g[0] != "120s"):
            known = {n: whole(results, n, seeds) for n in members}
            if not any(known.values()):
                missing.append(f"{kind} {lead}".strip())
                continue
            text += [f"### {title}" + (f", pods ready after {lead[:-1]} s" if lead else ""), ""]
            text += defaults(members, known) + [""]
            rows, said = against_the_best(members, known)
            text += rows + [""] + said + ["", tried(members, known), ""]
    if missing:
        text += [f"Not run: {', '.join(missing)}.", ""]
    return "\n".join(text)


def write(results, scenarios, seeds):
    page = PAGE.read_text()
    before, rest = page.split(START, 1)
    _, after = rest.split(END, 1)
    PAGE.write_text(before + START + section(results, scenarios, seeds) + END + after)
