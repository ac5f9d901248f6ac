"""What is known: one file a set and kind of policy, one line a run, keyed by everything the run depends on."""

import hashlib
import json
import pathlib
import re

BENCHES = pathlib.Path(__file__).parent.parent
ROOT = BENCHES.parent
SCENARIOS = BENCHES / "scenarios"
RESULTS = BENCHES / "results"
# What a simulated world is made of, and what our own policy is made of beyond that.
WORLD = ("core/src/performance", "core/src/simulate", "core/src/snapshot", "core/src/units.rs", "src/simulate", "src/trace")
OURS_TOO = ("core/src/plan", "core/src/simulate/policy/inferscale.rs")
LOOKS = ("report", "progress.rs")  # of src/simulate: how it is shown changes no number


def code(text):
    """The code of a Rust file without comments, blank lines and its tests at the end."""
    text = re.split(r"^#\[cfg\(test\)\]\nmod tests? \{", text, flags=re.M)[0]
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def source_hash(paths, without=()):
    digest = hashlib.sha256()
    for path in paths:
        top = ROOT / path
        for file in [top] if top.is_file() else sorted(top.rglob("*.rs")):
            name = file.relative_to(ROOT).as_posix()
            parts = set(file.relative_to(ROOT).parts)
            if name in without or parts & set(LOOKS) or "test" in file.stem or "tests" in parts or "fixture" in file.stem:
                continue
            digest.update(f"{name}\n{code(file.read_text())}\n".encode())
    return digest.hexdigest()


def scenario_hash(path):
    """A scenario's own lines but its list of policies, and every file that it names, profiles included."""
    text = "\n".join(l for l in path.read_text().splitlines() if not l.startswith(("#", "policies:", "seed:")))
    digest = hashlib.sha256(text.encode())
    manifests = re.search(r"manifests: \[(.*?)\]", text).group(1).split(",")
    for name in re.findall(r"file: ([^,}\s]+)", text) + [m.strip() for m in manifests]:
        content = (path.parent / name).read_bytes()
        digest.update(content)
        for profile in re.findall(rb"profile: ([\w./-]+)", content):
            digest.update((ROOT / "profiles" / f"{profile.decode()}.yaml").read_bytes())
    return digest.hexdigest()


class Results:
    """All known runs; a run is kept when its key is today's."""

    def __init__(self):
        world = source_hash(WORLD, OURS_TOO)
        self._simulator = {True: world + source_hash(OURS_TOO), False: world}
        self._scenarios = {}
        self._known = {}
        for file in RESULTS.glob("*.jsonl"):
            for line in file.read_text().splitlines():
                run = json.loads(line)
                self._known[run["key"]] = run

    def key(self, scenario, policy, seed):
        if scenario not in self._scenarios:
            self._scenarios[scenario] = scenario_hash(SCENARIOS / f"{scenario}.yaml")
        ours = policy == "inferscale"
        whole = f"{self._simulator[ours]} {self._scenarios[scenario]} {policy} {seed}"
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def get(self, scenario, policy, seed):
        return self._known.get(self.key(scenario, policy, seed))

    def of(self, scenario, seed):
        """Policy to result, of all that is known about a scenario today."""
        found = {}
        for run in self._known.values():
            if run["scenario"] == scenario and run["seed"] == seed and run["key"] == self.key(scenario, run["policy"], seed):
                found[run["policy"]] = run
        return found

    def add(self, scenario, seed, result):
        run = {"key": self.key(scenario, result["policy"], seed), "scenario": scenario, "seed": seed, **result}
        self._known[run["key"]] = run
        RESULTS.mkdir(exist_ok=True)
        with open(self._file(run), "a") as file:
            file.write(json.dumps(run) + "\n")

    def tidy(self):
        """Sorts the files and drops what today's code and scenarios would not give any more."""
        lines = {}
        for run in self._known.values():
            if run["key"] == self.key(run["scenario"], run["policy"], run["seed"]):
                lines.setdefault(self._file(run), []).append((run["scenario"], run["policy"], run["seed"], json.dumps(run)))
        for file in RESULTS.glob("*.jsonl"):
            file.unlink()
        for file, runs in lines.items():
            file.write_text("".join(f"{line}\n" for *_, line in sorted(runs)))

    @staticmethod
    def _file(run):
        kind = "ours" if run["policy"] == "inferscale" else "rivals"
        return RESULTS / f"{run['scenario'].split('/')[0]}-{kind}.jsonl"
