"""What is known: one file a set and kind of policy, one line a run, keyed by everything the run depends on.

The key of a run is a hash of its scenario with all files that it names, its policy, its seed, and a fingerprint of what
the program does: the figures that the policy at its default reaches in two hours of each kind of scenario. So a change
of the simulator or of a policy that shows there makes its old runs void, and one that changes no behaviour does not.
"""

import hashlib
import json
import pathlib
import re

from .grid import DEFAULTS, OURS

BENCHES = pathlib.Path(__file__).parent.parent
ROOT = BENCHES.parent
SCENARIOS = BENCHES / "scenarios"
RESULTS = BENCHES / "results"
PROBES = sorted(f"smoke/{path.stem}" for path in (SCENARIOS / "smoke").glob("*.yaml"))
FINGERPRINTS = RESULTS / "fingerprints.json"


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
    """All known runs; a run counts while its key is today's."""

    def __init__(self, probe=None):
        """`probe`: scenario and policies to their results, run now; None = what the program did when it was last asked."""
        self._scenarios = {}
        self._fingerprints = json.loads(FINGERPRINTS.read_text()) if FINGERPRINTS.exists() else {}
        if probe:
            self._fingerprints = self._taken(probe)
            RESULTS.mkdir(exist_ok=True)
            FINGERPRINTS.write_text(json.dumps(self._fingerprints, indent=1, sort_keys=True) + "\n")
        self._known = {}
        for file in RESULTS.glob("*.jsonl"):
            for line in file.read_text().splitlines():
                run = json.loads(line)
                self._known[run["key"]] = run

    @staticmethod
    def _taken(probe):
        """What the simulator and each policy are, told by what they do with two hours of each kind."""
        names = [OURS, *DEFAULTS.values(), "clairvoyant:1"]
        digests = {name.split(":")[0]: hashlib.sha256() for name in names}
        for scenario in PROBES:
            for name, result in probe(scenario, names).items():
                digests[name.split(":")[0]].update(json.dumps(result, sort_keys=True).encode())
        return {name: digest.hexdigest()[:16] for name, digest in digests.items()}

    def key(self, scenario, policy, seed):
        if scenario not in self._scenarios:
            self._scenarios[scenario] = scenario_hash(SCENARIOS / f"{scenario}.yaml")
        fingerprint = self._fingerprints.get(policy.split(":")[0].split("@")[0], "")
        whole = f"{fingerprint} {self._scenarios[scenario]} {policy} {seed}"
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

    def all(self):
        """Every run that still counts."""
        return [r for r in self._known.values() if r["key"] == self.key(r["scenario"], r["policy"], r["seed"])]

    def add(self, scenario, seed, result):
        run = {"key": self.key(scenario, result["policy"], seed), "scenario": scenario, "seed": seed, **result}
        self._known[run["key"]] = run
        RESULTS.mkdir(exist_ok=True)
        with open(self._file(run), "a") as file:
            file.write(json.dumps(run) + "\n")

    def tidy(self):
        """Sorts the files and drops what today's code and scenarios would not give any more."""
        lines = {}
        for run in self.all():
            lines.setdefault(self._file(run), []).append((run["scenario"], run["policy"], run["seed"], json.dumps(run)))
        for file in RESULTS.glob("*.jsonl"):
            file.unlink()
        for file, runs in lines.items():
            file.write_text("".join(f"{line}\n" for *_, line in sorted(runs)))

    @staticmethod
    def _file(run):
        kind = "ours" if run["policy"] == "inferscale" else "rivals"
        return RESULTS / f"{run['scenario'].split('/')[0]}-{kind}.jsonl"
