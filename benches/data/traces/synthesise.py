#!/usr/bin/env python3
"""Writes the two synthetic traces beside this script: eight days each, the same numbers every time.

    python3 benches/data/traces/synthesise.py

day.csv.gz: a working day. The rate follows the clock (low at 4, high at 14, a second hump at 20 o'clock), is lower at
the weekend, and wanders by an autoregressive factor of 8 % that forgets half in 20 minutes.

crowds.csv.gz: the same with twelve flash crowds a day at times nobody announces. Each adds between 1 and 3.5 times
the mean rate, rises within 30 to 120 seconds, stays for 2 to 10 minutes and fades with a time constant of 2 to 6.

One row is 15 seconds: t_s,rate_rps, mean about 1 request a second.
"""

import csv
import gzip
import io
import math
import pathlib
import random

HERE = pathlib.Path(__file__).parent
STEP_S, DAYS, DAY_S = 15, 8, 86400
CROWDS_A_DAY = 12


def day(t_s, wander):
    hour = t_s % DAY_S / 3600
    clock = 1 + 0.55 * math.cos((hour - 14) / 24 * 2 * math.pi) + 0.18 * math.exp(-(((hour - 20) / 1.5) ** 2))
    weekend = 0.75 if int(t_s // DAY_S) % 7 in (5, 6) else 1.0
    return clock * weekend * math.exp(wander)


def wanders(draw, count):
    keep = 0.5 ** (STEP_S / 1200)
    spread = 0.08 * math.sqrt(1 - keep * keep)
    value = 0.0
    for _ in range(count):
        value = keep * value + draw.gauss(0, spread)
        yield value


def crowds(draw):
    """Start, height, rise, stay and fade of each crowd, in seconds and mean rates."""
    for number in range(CROWDS_A_DAY * DAYS):
        start = (number // CROWDS_A_DAY + draw.random()) * DAY_S
        yield start, draw.uniform(1, 3.5), draw.uniform(30, 120), draw.uniform(120, 600), draw.uniform(120, 360)


def crowd_at(t_s, crowd):
    start, height, rise, stay, fade = crowd
    since = t_s - start
    if since < 0:
        return 0.0
    if since < rise:
        return height * since / rise
    return height * math.exp(-max(0.0, since - rise - stay) / fade)


def write(name, rates):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("t_s", "rate_rps"))
    writer.writerows((i * STEP_S, f"{rate:.3f}") for i, rate in enumerate(rates))
    with open(HERE / name, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
        packed.write(text.getvalue().encode())


def main():
    times = [i * STEP_S for i in range(DAYS * DAY_S // STEP_S)]
    draw = random.Random(20261124)
    base = [day(t, w) for t, w in zip(times, wanders(draw, len(times)))]
    write("day.csv.gz", base)
    all_crowds = list(crowds(draw))
    write("crowds.csv.gz", [b + sum(crowd_at(t, c) for c in all_crowds) for t, b in zip(times, base)])


if __name__ == "__main__":
    main()
