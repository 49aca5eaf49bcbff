"""Writes rank_correlation.json: Spearman's rho and p of some pairs, by SciPy and by brute force.

python3 -m venv v && v/bin/pip install scipy && v/bin/python make_rank_correlation.py
"""
import itertools
import json
import pathlib

import numpy
import scipy
from scipy.stats import rankdata, spearmanr

RATINGS = [1.1, 2.8, 1.1, 3.4, 2.2, 4.0, 1.6, 2.2, 3.9, 2.5, 1.3, 4.6, 3.1, 2.2, 1.8]  # made up
generator = numpy.random.default_rng(7)
PAIRS = {
    "ties in both": ([1, 2, 2, 4, 5], [3, 3, 1, 5, 4]),
    "perfect, falling": ([1, 2, 3, 4, 5, 6], [9, 7, 5, 4, 2, 1]),
    "three": ([1, 2, 3], [2, 3, 1]),
    "nine": ([0.1, 0.9, 0.4, 0.4, 0.7, 0.2, 0.8, 0.6, 0.3], [2, 9, 4, 5, 6, 1, 7, 8, 3]),
    "ten": ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [2, 1, 4, 3, 7, 5, 5, 10, 8, 9]),
    "fifteen ratings, counts": (RATINGS, [4, 15, 3, 18, 12, 22, 7, 9, 30, 11, 9, 25, 22, 4, 14]),
    "fifteen ratings, noise": (RATINGS, generator.normal(size=15).round(3).tolist()),
    "a hundred": (generator.normal(size=100).round(3).tolist(), generator.normal(size=100).round(2).tolist()),
}


def exact(x, y):
    """Share of all permutations of y with as great a |rho|."""
    x, y = rankdata(x), rankdata(y)
    x = (x - x.mean()) / x.std()
    y = (y - y.mean()) / y.std()
    observed = abs(x @ y) - 1e-9
    rhos = numpy.array(list(itertools.permutations(y))) @ x
    return float((abs(rhos) >= observed).mean())


golden = {"scipy": scipy.__version__, "cases": []}
for name, (x, y) in PAIRS.items():
    rho, p = spearmanr(x, y)
    golden["cases"].append({"name": name, "x": x, "y": y, "rho": float(rho),
                            "p": exact(x, y) if len(x) <= 9 else float(p)})
path = pathlib.Path(__file__).with_name("rank_correlation.json")
path.write_text(json.dumps(golden) + "\n")
