#!/usr/bin/env python3
"""Writes the validation files beside this script from the public data they are taken from (see README.md).

    python3 benches/data/validation/extract.py FOLDER

FOLDER holds llm_e2e_measured.csv.gz, kaito_phi4_openloop_a100.csv and vllm_replay_llama-3.1-8b_*.csv.gz. Of the
closed-loop runs those are kept that vLLM served whole (not disaggregated) with a model, accelerator, precision and
tensor-parallel size for which profiles/ holds a step law. Nothing is changed but the selection and the column names;
doubled rows are kept once.
"""

import csv
import gzip
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
MODELS = {
    "meta-llama/Llama-3.1-70B": "llama-3.1-70b",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "llama-3.1-8b",
    "Qwen/Qwen3-32B": "qwen3-32b",
}
SYSTEMS = {"h100_sxm": "h100", "h200_sxm": "h200", "b200_sxm": "b200"}
PRECISIONS = {"": "bf16", "fp8": "fp8", "fp4": "nvfp4"}  # the runs of Qwen3-32B without one are of the bf16 weights
PROFILES = HERE.parent.parent.parent / "profiles"


def rows(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def write(name, header, lines):
    with open(HERE / name, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def profile(row):
    model, system = MODELS.get(row["model_path"]), SYSTEMS.get(row["system"])
    if row["mode"] != "agg" or row["backend"] != "vllm" or model is None or system is None:
        return None
    tp = int(float(row["tp_size"]))
    name = f"{model}/{system}/{PRECISIONS[row['precision']]}" + (f"-tp{tp}" if tp > 1 else "")
    return name if (PROFILES / f"{name}.yaml").exists() else None


def closed_loop(source):
    kept = set()
    for row in rows(source / "llm_e2e_measured.csv.gz"):
        name = profile(row)
        if name is not None and row["concurrency_reported"]:
            # Lengths are drawn from 80 to 100 % of the nominal in InferenceMAX, equal in the other collection.
            lengths = "0.8" if row["origin"].startswith("benchmark-db") else "1.0"
            numbers = (int(float(row["isl"])), int(float(row["osl"])), int(float(row["concurrency_reported"])))
            # Beside FP8 weights the tables assume an FP8 cache. The runs on H100 had one in bf16: their queues show
            # half of the room (64 requests of 1024 + 8192 tokens wait there, on H200 they do not).
            cache = (2, 1) if row["origin"].startswith("benchmark-db") and "/h100/" in name else (1, 1)
            sequences = numbers[2] if row["origin"].startswith("benchmark-db") else 256
            # vLLM composes the next step beside the current one since 0.14, and in InferenceMAX by a flag.
            ahead = 1 if row["origin"].startswith("benchmark-db") else 0
            kept.add((name, lengths, *numbers, sequences, 8192, ahead, *cache, row["ttft_ms"], row["tpot_ms"]))
    header = (
        *("profile", "shortest_share", "isl", "osl", "concurrency", "max_sequences", "max_tokens_per_step", "ahead"),
        *("kv_bytes", "profile_kv_bytes", "ttft_ms", "tpot_ms"),
    )
    write("closed_loop.csv", header, sorted(kept))
    print(f"closed_loop.csv: {len(kept)} runs of {len({k[0] for k in kept})} configurations")


def number(text):
    return f"{text:.3e}" if text < 1e-3 else f"{text:.4g}"


def scaled(name, like, model, accelerator, kv_tokens, weights, bandwidth, compute, heads, why):
    """A profile where no table exists: that of `like`, its terms scaled by what they are made of."""
    text = (PROFILES / f"{like}.yaml").read_text()
    step = dict(p.split(": ") for p in text.split("step: {")[1].split("}")[0].split(", "))
    factor = {
        "floorMs": weights / bandwidth,
        "cMs": weights / bandwidth,
        "dMsPerSequence": weights / bandwidth,
        "eMsPerKvToken": 1 / bandwidth,
        "gMsPerPrefillToken": weights / compute,
        "hMsPerPrefillTokenContext": heads / compute,
    }
    step = ", ".join(f"{k}: {number(float(v) * factor[k])}" for k, v in step.items())
    (HERE / "profiles").mkdir(exist_ok=True)
    (HERE / "profiles" / f"{name}.yaml").write_text(
        f"# Written by extract.py: {like}, scaled. {why}\n"
        f"model: {model}\naccelerator: {accelerator}\nprecision: bf16\nstep: {{{step}}}\n"
        f"kvCapacityTokens: {kv_tokens}\n"
        f'source: {{dataset: "scaled from profiles/{like}.yaml", licence: Apache-2.0, '
        f"fit: {{medianErrorPercent: 0, worstErrorPercent: 0}}}}\n"
    )


def replay(source, gpu):
    columns = ("arrival_s", "input_tokens", "output_tokens", "queued_s", "scheduled_s", "first_token_s", "last_token_s")
    table = rows(source / f"vllm_replay_llama-3.1-8b_{gpu}.csv.gz")
    write(f"replay_{gpu}.csv", columns, [[row[c] for c in columns] for row in table])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    closed_loop(source)
    replay(source, "rtxpro6000")
    replay(source, "rtx4090")
    scaled(
        "llama-3.1-8b-rtx-4090", "llama-3.1-8b/l40s/bf16", "Llama-3.1-8B", "RTX-4090", 41427,
        weights=1, bandwidth=1008 / 864, compute=165.2 / 362.05, heads=1,
        why="Data sheets: 1008 against 864 GB/s, 165 against 362 TFLOPS (dense bf16, fp32 accumulation).\n"
        "# KV cache: 83.39 % of 24 GiB, as the run's published configuration says, less the weights.",
    )
    scaled(
        "phi-4-mini-a100", "llama-3.1-8b/a100/bf16", "Phi-4-mini-instruct", "A100-SXM4-80GB", 524288,
        weights=3.84 / 7.5, bandwidth=1, compute=1, heads=24 / 32,
        why="3.84e9 against 7.5e9 parameters read a step, 24 against 32 heads of 128;\n"
        "# the cache of a token is equally large.",
    )
    (HERE / "open_loop_phi4_a100.csv").write_text((source / "kaito_phi4_openloop_a100.csv").read_text())


if __name__ == "__main__":
    main()
