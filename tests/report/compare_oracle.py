"""Writes golden/compare.json: what SciPy and brute force say of pairs of samples.

python3 -m venv v && v/bin/pip install scipy && v/bin/python compare_oracle.py [FILE]
"""
import functools
import itertools
import json
import pathlib
import sys

import numpy
import scipy
from scipy.stats import binomtest, bootstrap, mannwhitneyu

generator = numpy.random.default_rng(11)


def drawn(n, scale=1.0):
    return (scale * numpy.exp(0.1 * generator.normal(size=n))).tolist()


def ratio_of_medians(now, before, axis=-1):
    return numpy.median(now, axis=axis) / numpy.median(before, axis=axis)


def rank_sums():
    """(name, x, y, method): every one by SciPy with that method named."""
    yield "one and one", [1.0], [2.0], "exact"
    yield "three and three apart", [4.0, 5.0, 6.0], [1.0, 2.0, 3.0], "exact"
    yield "three and three mixed", [1.0, 4.0, 5.0], [2.0, 3.0, 6.0], "exact"
    for n, m in [(2, 9), (5, 5), (7, 4), (8, 30), (20, 20), (30, 30), (10, 100), (1, 40)]:
        yield f"{n} and {m}", drawn(n), drawn(m, 1.05), "exact"
    yield "thirty and thirty apart", list(range(30)), list(range(30, 60)), "exact"
    yield "ties", [1.0, 2.0, 2.0, 3.0, 5.0], [2.0, 3.0, 3.0, 7.0], "asymptotic"
    yield "ties among one alone", [1.0, 1.0, 1.0, 2.0], [3.0, 4.0, 5.0, 6.0], "asymptotic"
    yield "few different values", [1.0, 2.0] * 20, [2.0, 3.0] * 25, "asymptotic"
    yield "equal but for one", [1.0] * 9 + [2.0], [1.0] * 10, "asymptotic"
    for n, m in [(40, 40), (7, 200), (300, 300)]:
        yield f"{n} and {m}, normal", drawn(n), drawn(m, 1.03), "asymptotic"


@functools.lru_cache(maxsize=None)
def medians_by_force(values):
    """Every drawing of as many values (a tuple) again: the medians and how often they come."""
    draws = numpy.array(list(itertools.product(values, repeat=len(values))))
    medians, counts = numpy.unique(numpy.median(draws, axis=1), return_counts=True)
    return medians, counts / len(draws)


def interval_by_force(now, before, confidence):
    (x, p), (y, q) = medians_by_force(tuple(now)), medians_by_force(tuple(before))
    ratios = (x[:, None] / y[None, :]).ravel()
    order = numpy.argsort(ratios, kind="stable")
    reached = numpy.cumsum((p[:, None] * q[None, :]).ravel()[order])
    outside = (1 - confidence) / 2
    return [float(ratios[order][numpy.searchsorted(reached, share - 1e-12)]) for share in (outside, 1 - outside)]


def bands(distribution, spread):
    """Where a quantile can lie with so many drawings: 4.3 standard errors to either side."""
    return [[float(numpy.quantile(distribution, share - spread, method="inverted_cdf")),
             float(numpy.quantile(distribution, share + spread, method="inverted_cdf"))] for share in (0.025, 0.975)]


golden = {"scipy": scipy.__version__, "rank_sums": [], "medians": [], "small": [], "large": [], "means": []}
for name, x, y, method in rank_sums():
    x, y = [float(value) for value in x], [float(value) for value in y]
    found = mannwhitneyu(x, y, alternative="two-sided", method=method, use_continuity=True)
    golden["rank_sums"].append({"name": name, "x": x, "y": y, "u": float(found.statistic), "p": float(found.pvalue),
                                "method": "exact" if method == "exact" else "normal"})
for values in [drawn(1), drawn(2), drawn(3), drawn(4), drawn(5), drawn(6), drawn(7), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]:
    medians, probability = medians_by_force(tuple(values))
    golden["medians"].append({"values": values, "medians": medians.tolist(), "probability": probability.tolist()})
for n, m in [(2, 2), (3, 3), (3, 5), (4, 4), (6, 3), (5, 6), (7, 7)]:
    now, before = drawn(n, 1.1), drawn(m)
    for confidence in (0.95, 0.8):
        golden["small"].append({"now": now, "before": before, "confidence": confidence,
                                "interval": interval_by_force(now, before, confidence)})
kDrawings = 60_000
kGenerator = "rng" if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15) else "random_state"
for n, m in [(10, 10), (15, 12), (30, 31), (100, 100)]:
    now, before = drawn(n, 1.02), drawn(m)
    found = bootstrap((now, before), ratio_of_medians, n_resamples=kDrawings, method="percentile", vectorized=True,
                      batch=20_000, **{kGenerator: numpy.random.default_rng(5)})
    golden["large"].append({"now": now, "before": before, "ratio": float(ratio_of_medians(now, before)),
                            "bands": bands(found.bootstrap_distribution, 0.0028)})
for count, n in [(3, 5), (6, 10), (20, 3)]:
    cases = [{"now": drawn(n, 1.05), "before": drawn(n)} for _ in range(count)]
    logs = numpy.zeros(20_000)
    for case in cases:
        for key, sign in (("now", 1), ("before", -1)):
            again = generator.choice(case[key], size=(len(logs), n))
            logs += sign * numpy.log(numpy.median(again, axis=1))
    ratios = [ratio_of_medians(case["now"], case["before"]) for case in cases]
    golden["means"].append({"cases": cases, "ratio": float(numpy.exp(numpy.log(ratios).mean())),
                            "bands": bands(numpy.exp(logs / count), 0.015)})
golden["signs"] = [{"positive": k, "negative": m, "p": float(binomtest(k, k + m).pvalue)}
                   for k, m in [(1, 0), (5, 0), (6, 0), (4, 2), (3, 3), (12, 3), (60, 40), (700, 600), (0, 1000)]]
path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "golden" / "compare.json"
path.write_text(json.dumps(golden) + "\n")
