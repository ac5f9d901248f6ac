"""The scoreboard as Markdown, between two marks of docs/benchmarks.md."""

import math

from .grid import BOUND, DEFAULTS, OBJECTIVE, OURS, RIVALS, at_an_end, cheapest, next_point, points, reaches, variants
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


def hours(value):
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"


def cell(result):
    if result is None:
        return "-"
    text = f"{hours(result['gpu_hours'])} / {100 * result['attainment']:.2f}"
    return f"**{text}**" if reaches(result) else text


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def whole(results, scenario, seeds):
    """Policy to the mean over the seeds, where all are known."""
    by_seed = [results.of(scenario, seed) for seed in seeds]
    common = set(by_seed[0]).intersection(*by_seed[1:])
    figures = ("gpu_hours", "attainment", "replica_changes", "late_ttft_mean_ms", "late_ttft_p99_ms")
    return {
        policy: {f: sum((r[policy].get(f) or 0.0) for r in by_seed) / len(by_seed) for f in figures} for policy in common
    }


def defaults(names, known):
    rows = ["| policy, untouched | " + " | ".join(short(n) for n in names) + " | reached |", "|---" * (len(names) + 2) + "|"]
    policies = [f"{policy}{variant}" for policy in (*DEFAULTS.values(), BOUND) for variant in variants(names[0])]
    for policy in (OURS, *policies):
        found = [known[n].get(policy) for n in names]
        if any(found):
            reached = sum(1 for r in found if r and reaches(r))
            ran = sum(1 for r in found if r)
            name = f"{policy} (a bound)" if policy.startswith(BOUND) else policy
            rows.append(f"| {name} | " + " | ".join(map(cell, found)) + f" | {reached} of {ran} |")
    return rows


def short(scenario):
    return scenario.split("/")[1].removesuffix("-120s")


def rivals_of(known):
    return {p: r for p, r in known.items() if p != OURS and not p.startswith(BOUND)}


def against_the_best(names, known):
    """Per trace, ours against the cheapest point of all rivals' grids that reaches the objective."""
    rows = ["| trace | ours | cheapest rival at 99 % | ours / it | bound | ours / bound |", "|---|---|---|---|---|---|"]
    ratios, losses, unreached = [], [], []
    for name in names:
        ours = known[name].get(OURS)
        bounds = {p: r for p, r in known[name].items() if p.startswith(BOUND)}
        bound = bounds.get((cheapest(bounds) or (0, BOUND))[1])
        best = cheapest(rivals_of(known[name]))
        if ours is None:
            continue
        none = "none that was run" if rivals_of(known[name]) else "not run"
        rival = none if best is None else f"{best[1]}, {hours(best[0])}" + (" (end of its grid)" if ":" in best[1] and at_an_end(best[1]) else "")
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


def with_the_guard(names, known, plain):
    """What the guard is worth: rivals in it against the same in a plain queue, and how long those wait who pay for it."""
    said, ratios = [], []
    for name in names:
        ours = known[name].get(OURS)
        best = cheapest(rivals_of(plain[name]))
        if best and ours and reaches(ours):
            ratios.append(ours["gpu_hours"] / best[0])
    if ratios:
        said.append(f"Ours with the guard against the cheapest rival in a plain queue: geometric mean {mean(ratios):.2f} on {len(ratios)} traces.")
    better = {}
    for rival in DEFAULTS.values():
        pairs = [(plain[n][rival]["attainment"], known[n][rival]["attainment"]) for n in names if rival in plain[n] and rival in known[n]]
        if pairs:
            before, after = (100 * sum(p[i] for p in pairs) / len(pairs) for i in (0, 1))
            better[rival] = f"{rival} {before:.1f} to {after:.1f}"
    if better:
        said.append("Mean attainment without and with the guard, in percent: " + ", ".join(better.values()) + ".")
    waits = [
        f"{short(n)} {known[n][OURS]['late_ttft_mean_ms'] / 1000:.0f} s / {known[n][OURS]['late_ttft_p99_ms'] / 1000:.0f} s"
        for n in names
        if OURS in known[n]
    ]
    if waits:
        said.append("Requests that miss the first token wait, with ours, on average / at the 99th percentile: " + ", ".join(waits) + ".")
    return said


def tried(names, known):
    """How far the search for the best points went: a rival counts when it is over on every trace."""
    over, counts = [], 0
    for rival in RIVALS:
        searches = [(n, v) for n in names for v in variants(n)]
        counts += sum(1 for n, v in searches for p in points(rival, v) if p in known[n])
        if all(next_point(rival, known[n], v) is None for n, v in searches):
            over.append(rival)
    return (
        f"Points of rivals' grids that were run: {counts}. Their best points are known for {', '.join(over) or 'none'}; of the "
        "others only the default or a part, so a cheaper one may be missing."
    )


def cost(results):
    """What it took to simulate all that is known."""
    minutes = lambda ours: sum(r.get("wall_s", 0.0) for r in results.all() if (r["policy"] == OURS) == ours) / 60
    return f"Simulated in {minutes(True):.0f} (ours) and {minutes(False):.0f} (rivals and bound) minutes of one core, other work beside it."


def section(results, scenarios, seeds):
    text = [
        "GPU-hours / attainment in percent; bold = at least 99 %. The first 15 minutes are left out of the attainment and the bill; "
        f"an hour of one A100 is $3.43. Seeds: {', '.join(map(str, seeds))}. " + cost(results),
        "",
    ]
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
            if not any(rivals_of(k) for k in known.values()):
                text += ["Ours alone: no rival was run on these.", ""]
                continue
            rows, said = against_the_best(members, known)
            if kind.startswith("guarded"):
                plain = {n: whole(results, n.replace("guarded", "plain"), seeds) for n in members}
                said += with_the_guard(members, known, plain)
            text += rows + ["", *(f"{line}\n" for line in said), tried(members, known), ""]
    if missing:
        text += [f"Not run: {', '.join(missing)}.", ""]
    return "\n".join(text)


def write(results, scenarios, seeds):
    page = PAGE.read_text()
    before, rest = page.split(START, 1)
    _, after = rest.split(END, 1)
    PAGE.write_text(before + START + section(results, scenarios, seeds) + END + after)
