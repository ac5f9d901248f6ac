"""The policies, the points of their parameters that are tried, and the order in which a best point is looked for."""

# Every rival and at least twelve values of its parameter, from the most replicas to the fewest.
GRIDS = {
    "hpa-gpu": (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0),
    "hpa-concurrency": (2, 4, 6, 8, 11, 16, 20, 25, 30, 36, 44, 52, 64, 80, 96),
    "hpa-rps": (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0, 1.2),
    "hpa-kv": (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5),
    "keda-queue": (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50),
    "knative": (2, 4, 6, 8, 11, 16, 20, 25, 30, 36, 44, 52, 70, 90),
    "ray-serve": (0.5, 1, 2, 4, 6, 8, 11, 16, 20, 25, 30, 36, 44, 52, 64),
    "wva-v1": (0.11, 0.12, 0.13, 0.14, 0.16, 0.18, 0.2, 0.25, 0.3, 0.4, 0.6, 0.8, 1.0),
    "wva-v2": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0),
    "llmd-slo": (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0, 1.2),
    "dynamo-throughput": (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5),
    "dynamo-load": (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5),
    "aibrix-apa": (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5),
    "aibrix-kpa": (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5),
}
RIVALS = tuple(GRIDS)
# What the users of each get when they touch nothing.
DEFAULTS = {
    "hpa-gpu": "hpa-gpu:0.8",
    "hpa-concurrency": "hpa-concurrency:16",
    "hpa-rps": "hpa-rps:0.7",
    "hpa-kv": "hpa-kv:0.5",
    "keda-queue": "keda-queue:5",
    "knative": "knative:70",
    "ray-serve": "ray-serve:2",
    "wva-v1": "wva-v1:0.8",
    "wva-v2": "wva-v2:0.85",
    "llmd-slo": "llmd-slo:0.55",
    "dynamo-throughput": "dynamo-throughput:1",
    "dynamo-load": "dynamo-load:1",
    "aibrix-apa": "aibrix-apa:0.5",
    "aibrix-kpa": "aibrix-kpa:0.5",
}
OURS = "inferscale"
BOUND = "clairvoyant"
OBJECTIVE = 0.99


# Where an object has a second variant, rivals that scale one workload may scale that instead.
SECOND = "@h100-fp8"


def variants(scenario):
    return ("", SECOND) if scenario.startswith("reserves/") else ("",)


def points(rival, variant=""):
    return [f"{rival}:{value:g}{variant}" for value in GRIDS[rival]]


def reaches(result):
    return result["attainment"] >= OBJECTIVE


def cheapest(known):
    """The cheapest result that reaches the objective, of a dict of policy to result; None = none does."""
    good = [(result["gpu_hours"], policy) for policy, result in known.items() if reaches(result)]
    return min(good, default=None)


def next_point(rival, known, variant=""):
    """The point of the rival's grid to run next; None = the best one is known, with both its neighbours.

    Attainment falls along the grid, up to chance: bisection finds where it crosses the objective, then the neighbours
    of the cheapest good point are run, until none of them is better. `known`: policy to result on one scenario.
    """
    grid = points(rival, variant)
    done = {i: known[point] for i, point in enumerate(grid) if point in known}
    good = [i for i, result in done.items() if reaches(result)]
    last_good = max(good, default=-1)
    first_bad = min((i for i, result in done.items() if not reaches(result) and i > last_good), default=len(grid))
    if first_bad - last_good > 1:
        if not done:
            return grid[len(grid) // 2]
        return grid[(last_good + first_bad) // 2]
    if not good:
        return None
    best = min(good, key=lambda i: done[i]["gpu_hours"])
    around = [i for i in (best - 1, best + 1) if 0 <= i < len(grid) and i not in done]
    return grid[around[0]] if around else None


def at_an_end(policy):
    """Whether a point is the first or last of its grid: then a better one may lie beyond."""
    grid = points(policy.split(":")[0])
    return policy.split("@")[0] in (grid[0], grid[-1])
