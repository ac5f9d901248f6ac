#!/usr/bin/env python3
"""Fits the step law of every shipped profile and writes the YAML files beside this script.

    python3 profiles/fit.py FOLDER        # needs numpy and scipy

FOLDER holds llm_decode.csv.gz, llm_prefill.csv.gz, llm_mixed_step.csv.gz and llm_kv_capacity.csv (see README.md for
where they come from). The law, in milliseconds:

    step = max(floor, c + d*sequences + e*kv_tokens + g*prefill_tokens + h*prefill_tokens*context)

One law for all three kinds of points, so that a step with both decoding and prompts reads the weights once (c). The
coefficients are the non-negative least squares of the relative error; the floor is the one of a grid with the least
error. Points outside of what one engine step does (see IN_RANGE) are left out.
"""

import csv
import gzip
import pathlib
import sys

import numpy
from scipy.optimize import nnls

HERE = pathlib.Path(__file__).parent
DATASET = "aiconfigurator-core 0.12.0, step times summed from its measured kernel tables"
LICENCE = "Apache-2.0"

# (folder, model in the data), (folder, gpu in the data, product name), (precision, tensor-parallel size)
MODELS = {
    "llama-3.1-8b": ("Meta-Llama-3.1-8B", "Llama-3.1-8B"),
    "llama-3.1-70b": ("Meta-Llama-3.1-70B", "Llama-3.1-70B"),
    "qwen3-32b": ("Qwen3-32B", "Qwen3-32B"),
    "qwen3-0.6b": ("Qwen3-0.6B", "Qwen3-0.6B"),
}
ACCELERATORS = {
    "a100": ("a100_sxm", "A100-SXM4-80GB"),
    "h100": ("h100_sxm", "H100-SXM5-80GB"),
    "h200": ("h200_sxm", "H200-SXM5-141GB"),
    "l40s": ("l40s", "L40S"),
    "b200": ("b200_sxm", "B200-SXM6-180GB"),
    "rtx-pro-6000": ("rtx_pro_6000_server", "RTX-PRO-6000-Blackwell-Server-Edition"),
}
SHIPPED = [
    ("llama-3.1-8b", "a100", "bf16", 1),
    ("llama-3.1-8b", "h100", "bf16", 1),
    ("llama-3.1-8b", "h100", "fp8", 1),
    ("llama-3.1-8b", "h200", "bf16", 1),
    ("llama-3.1-8b", "h200", "fp8", 1),
    ("llama-3.1-8b", "l40s", "bf16", 1),
    ("llama-3.1-8b", "l40s", "fp8", 1),
    ("llama-3.1-8b", "rtx-pro-6000", "bf16", 1),
    ("llama-3.1-70b", "a100", "bf16", 4),
    ("llama-3.1-70b", "h100", "fp8", 2),
    ("llama-3.1-70b", "h100", "fp8", 4),
    ("llama-3.1-70b", "h200", "fp8", 1),
    ("llama-3.1-70b", "h200", "fp8", 2),
    ("llama-3.1-70b", "h200", "fp8", 4),
    ("llama-3.1-70b", "b200", "fp8", 1),
    ("llama-3.1-70b", "b200", "fp8", 2),
    ("llama-3.1-70b", "b200", "fp8", 4),
    ("llama-3.1-70b", "b200", "nvfp4", 1),
    ("llama-3.1-70b", "b200", "nvfp4", 2),
    ("qwen3-32b", "a100", "bf16", 2),
    ("qwen3-32b", "h100", "bf16", 2),
    ("qwen3-32b", "h100", "fp8", 1),
    ("qwen3-32b", "h100", "fp8", 2),
    ("qwen3-32b", "l40s", "fp8", 2),
    ("qwen3-0.6b", "a100", "bf16", 1),
    ("qwen3-0.6b", "l40s", "bf16", 1),
]
# An engine step holds at most this: --max-num-seqs and --max-num-batched-tokens are rarely larger.
MOST_SEQUENCES, MOST_PREFILL_TOKENS = 512, 16384


def rows(folder, name):
    for path in (folder / f"{name}.csv.gz", folder / f"{name}.csv"):
        if path.exists():
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", newline="") as file:
                return list(csv.DictReader(file))
    sys.exit(f"{folder}: neither {name}.csv.gz nor {name}.csv is there; give the folder of the performance tables")


def chosen(table, model, gpu, precision, tp):
    """The rows of the newest vLLM that was measured for this combination."""
    mine = [
        r
        for r in table
        if (r["model"], r["gpu"], r["precision"], r["tp"]) == (model, gpu, precision, str(tp))
        and r["engine"].startswith("vllm-")
    ]
    if not mine:
        sys.exit(f"no vLLM rows for {model} on {gpu}, {precision}, tp {tp}")
    version = lambda r: tuple(int(n) for n in r["engine"].removeprefix("vllm-").split("."))
    newest = max(map(version, mine))
    return [r for r in mine if version(r) == newest]


def points(tables, key):
    """Rows of (1, sequences, kv tokens, prefill tokens, prefill tokens * context), and the measured step in ms."""
    x, y = [], []
    for r in chosen(tables["llm_decode"], *key):
        batch, context = int(r["batch"]), int(r["context_tokens"])
        if batch <= MOST_SEQUENCES:
            x.append((1, batch, batch * context, 0, 0))
            y.append(float(r["step_ms"]))
    for r in chosen(tables["llm_prefill"], *key):
        tokens = int(r["batch"]) * int(r["input_tokens"])
        context = int(r["cached_prefix_tokens"]) + int(r["input_tokens"]) / 2
        if tokens <= MOST_PREFILL_TOKENS:
            x.append((1, 0, 0, tokens, tokens * context))
            y.append(float(r["latency_ms"]))
    for r in chosen(tables["llm_mixed_step"], *key):
        tokens, sequences = int(r["prefill_tokens_in_step"]), int(r["decode_seqs"])
        prompt = int(r["prompt_len"])
        if tokens <= MOST_PREFILL_TOKENS and sequences <= MOST_SEQUENCES:
            x.append((1, sequences, sequences * (prompt + 128), tokens, tokens * prompt / 2))
            y.append(float(r["step_ms"]))
    return numpy.array(x, float), numpy.array(y, float)


def errors(law, floor, x, y):
    return numpy.maximum(x @ law, floor) / y - 1


def fit_above(floor, x, y):
    """Coefficients for one floor: points that the law puts on the floor say nothing about the coefficients."""
    above = y > floor * 1.02
    law = numpy.zeros(5)
    for _ in range(20):
        if above.sum() < 8:
            break
        law, _ = nnls(x[above] / y[above, None], numpy.ones(above.sum()))
        again = (x @ law > floor) | (y > floor * 1.15)
        if (again == above).all():
            break
        above = again
    return law


def fit(x, y):
    best = None
    for floor in numpy.linspace(y.min() * 0.9, numpy.quantile(y, 0.4), 60):
        law = fit_above(floor, x, y)
        loss = numpy.mean(errors(law, floor, x, y) ** 2)
        if best is None or loss < best[0]:
            best = (loss, law, floor)
    return best[1], best[2]


def significant(value, digits=4):
    return f"{value:.{digits - 1}e}" if 0 < abs(value) < 1e-3 else f"{value:.{digits}g}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    names = ("llm_decode", "llm_prefill", "llm_mixed_step", "llm_kv_capacity")
    tables = {name: rows(folder, name) for name in names}
    for model, accelerator, precision, tp in SHIPPED:
        key = (MODELS[model][0], ACCELERATORS[accelerator][0], precision, tp)
        x, y = points(tables, key)
        law, floor = fit(x, y)
        law = numpy.array([float(significant(v)) for v in law])
        floor = float(significant(floor))
        off = numpy.abs(errors(law, floor, x, y)) * 100
        kv = chosen(tables["llm_kv_capacity"], *key)[0]
        name = precision if tp == 1 else f"{precision}-tp{tp}"
        path = HERE / model / accelerator / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        c, d, e, g, h = map(significant, law)
        path.write_text(
            f"# Written by profiles/fit.py: {len(y)} points of {kv['engine']}, tensor parallel over {tp}.\n"
            f"model: {MODELS[model][1]}\n"
            f"accelerator: {ACCELERATORS[accelerator][1]}\n"
            f"precision: {precision}\n"
            f"step: {{floorMs: {significant(floor)}, cMs: {c}, dMsPerSequence: {d}, eMsPerKvToken: {e}, "
            f"gMsPerPrefillToken: {g}, hMsPerPrefillTokenContext: {h}}}\n"
            f"kvCapacityTokens: {kv['kv_capacity_tokens']}\n"
            f'source: {{dataset: "{DATASET}", licence: {LICENCE}, '
            f"fit: {{medianErrorPercent: {numpy.median(off):.1f}, worstErrorPercent: {off.max():.1f}}}}}\n"
        )
        print(
            f"{model}/{accelerator}/{name}: {len(y)} points, median {numpy.median(off):.1f} %, "
            f"p90 {numpy.quantile(off, 0.9):.1f} %, worst {off.max():.1f} %  floor {floor:.2f}  {c} {d} {e} {g} {h}"
        )


if __name__ == "__main__":
    main()
