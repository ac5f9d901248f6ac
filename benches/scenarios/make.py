#!/usr/bin/env python3
"""Writes all scenarios of the benchmark below this folder. Run it again and nothing changes.

    python3 benches/scenarios/make.py

    plain-35, plain-6   seven rate traces at 35 and 6 requests/s, pods ready after 120 s; three of them also after 10 and 300 s
    guarded-35          the same with guarded admission: prefill budget from the latency target, late requests last
    reserves            two variants, batch up to 256
    short               short recordings of requests, as they came: latency and mix
    smoke               two hours of each kind, for the tests and as a probe (see ../scoreboard/results.py)
"""

import pathlib

HERE = pathlib.Path(__file__).parent
TOKENS = "azure_llm_2023_conv.csv.gz"

# Name, file, first second of the evaluated part in days, days of history, shape of the bursts. Days count from 1, so
# "day 10" begins at 9 d. The shapes are measured where requests are known: the rate over 30 s, against its mean over 10
# minutes, varies in servegen_m-mid_d03_sampled_requests as a gamma law of shape 3.7, in m-small_d04 of 19.5. All others
# take the geometric mean of the two.
TRACES = [
    ("day", "day.csv.gz", 7, 7, 8),
    ("crowds", "crowds.csv.gz", 7, 7, 8),
    ("m-small", "servegen_m-small_d01-14_rate10m.csv.gz", 9, 7, 20),
    ("m-mid", "servegen_m-mid_d01-09_rate10m.csv.gz", 5, 5, 4),
    ("aws-elb", "rate5m_aws_elb.csv.gz", 10, 7, 8),
    ("twitter-amzn", "rate5m_twitter_amzn.csv.gz", 39, 7, 8),
    ("twitter-fb", "rate5m_twitter_fb.csv.gz", 24, 7, 8),
]
# Far apart in kind: no surprise, surprises only, a real service.
OTHER_LEADS = ("day", "crowds", "m-mid")

RIVALS = (
    "hpa-gpu, hpa-concurrency, hpa-rps, hpa-kv, keda-queue, knative, ray-serve, wva-v1, wva-v2, llmd-slo, "
    "dynamo-throughput, dynamo-load, aibrix-apa, aibrix-kpa"
)


def guard():
    """Sequences and tokens of a step that cannot break the target of 50 ms: a law of profiles/llama-3.1-8b/a100/bf16.yaml.

    At b sequences each step processes the prompts of those who replace the ones that end, b/output of them. The batch is
    limited 2.5 % below the b at which such a step takes 95 % of the target, prompts to what is left of it then.
    """
    c, d, e, g, h = 10.33, 0.04298, 8.601e-05, 0.05294, 2.932e-06
    prompt, output, limit = 1155, 211, 0.95 * 50
    sequence, token = d + e * (prompt + output / 2), g + h * prompt / 2
    sequences = int(0.975 * (limit - c) / (sequence + prompt / output * token))
    return {"sequences": sequences, "tokens": sequences + int((limit - c - sequences * sequence) / token)}


def write(name, says, load, world, manifest="chat.yaml", history="7d", duration="24h"):
    path = HERE / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"# {says} Written by make.py.\n"
        f"seed: 1\nhistory: {history}\nduration: {duration}\n"
        f"loads:\n  chat:\n{load}"
        f"manifests: [../manifests/{manifest}, ../manifests/pools.yaml]\n"
        f"world:\n{world}"
        f"policies: [inferscale, clairvoyant, {RIVALS}]\n"
    )


def world(lead_s, sequences=96, tokens=2048, queue="Fifo", balancing="Equal"):
    return (
        f"  podStart: {{median: {lead_s}s, p95: {lead_s}s}}\n"
        f"  drain: 30s\n  balancing: {balancing}\n  queue: {queue}\n"
        f"  scrape: {{interval: 15s, delay: 2s}}\n"
        f"  engine: {{maxSequences: {sequences}, maxTokensPerStep: {tokens}}}\n"
    )


def rate_load(file, start, rate, shape):
    return (
        f"    trace: {{file: ../../data/traces/{file}, kind: rate}}\n"
        f"    start: {start}\n"
        f"    meanRequestsPerSecond: {rate}\n"
        f"    bursts: {{shape: {shape}, correlation: 30s}}\n"
        f"    tokens: {{file: ../../data/traces/{TOKENS}}}\n"
    )


def rates():
    for name, file, start, history, shape in TRACES:
        for rate in (35, 6):
            for lead in (10, 120, 300) if name in OTHER_LEADS else (120,):
                says = f"{name} at {rate} requests/s, pods ready after {lead} s."
                load = rate_load(file, f"{start}d", rate, shape)
                write(f"plain-{rate}/{name}-{lead}s", says, load, world(lead), history=f"{history}d")
        load = rate_load(file, f"{start}d", 35, shape)
        says = f"{name} at 35 requests/s with guarded admission."
        guarded = world(120, **guard(), queue="LateLast")
        write(f"guarded-35/{name}-120s", says, load, guarded, history=f"{history}d")
        says = f"{name} at 35 requests/s with a bf16 and an fp8 variant."
        reserves = world(120, sequences=256, balancing="LeastLoaded")
        write(f"reserves/{name}-120s", says, load, reserves, "chat-reserves.yaml", f"{history}d")


def short():
    def requests(file, start, jitter=""):
        return f"    trace: {{file: ../../data/traces/{file}, kind: requests{jitter}}}\n    start: {start}\n"

    azure = requests(TOKENS, "10m")
    write("short/azure-conv", "Azure chat as recorded, 5.5 requests/s.", azure, world(120), history="10m", duration="48m")
    moon = requests("mooncake_conversation_first60pct.csv.gz", "5m", ", jitter: 3s")
    says = "Mooncake chat as recorded, 3 requests/s of 12,600 tokens; prompts count in full (no prefix cache)."
    write("short/mooncake", says, moon, world(120), "chat-long.yaml", "5m", "30m")
    reason = requests("servegen_deepseek-r1_h00-14_sampled_requests.csv.gz", "2h")
    says = "A reasoning model's lengths (2,000 tokens out) at 1 request/s."
    write("short/deepseek-r1", says, reason, world(120), "chat-long.yaml", "2h", "11h")
    image = (
        "    trace: {file: ../../data/traces/servegen_mm-image_d01_clients.csv.gz, kind: clients}\n    start: 6h\n"
        "    tokens: {file: ../../data/traces/servegen_mm-image_d01_token_quantiles.csv.gz}\n"
    )
    says = "A production image-text model by client, as recorded, 5 requests/s; an image counts as prompt tokens."
    write("short/mm-image", says, image, world(120), history="6h", duration="17h")


def smoke():
    """Two hours each of what the sets are made of: a test, and the probe that tells whether old results still hold."""
    name, file, start, _, shape = TRACES[1]
    load = rate_load(file, f"{start}d", 6, shape)
    write("smoke/crowds", f"Two hours of {name} at 6 requests/s.", load, world(120), history="1d", duration="2h")
    guarded = world(120, **guard(), queue="LateLast")
    write("smoke/guarded", "The same, guarded.", load, guarded, history="1d", duration="2h")
    reserves = world(120, sequences=256, balancing="LeastLoaded")
    write("smoke/reserves", "The same, two variants.", load, reserves, "chat-reserves.yaml", "1d", "2h")
    name, file, _, _, shape = TRACES[2]
    load = rate_load(file, "221h", 6, shape)
    write("smoke/hole", f"Two hours of {name} around a hole in its collection.", load, world(120), history="1d", duration="2h")


if __name__ == "__main__":
    rates()
    short()
    smoke()
