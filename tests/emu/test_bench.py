# SPDX-License-Identifier: Apache-2.0
"""What Trivet costs has not grown: counted instructions and exits against tests/bench-baseline.json (docs/performance.md)."""

import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "bench"))

import bench  # noqa: E402


@pytest.mark.parametrize("machine", ["svm", "arm64"], indirect=True)
def test_costs_have_not_grown(machine):
    before, why = bench.baseline(machine.arch)
    if not before:
        pytest.skip(why)
    figures = bench.operations(machine.name)
    if not why:
        figures += bench.boot(machine.arch)
    worse = bench.regressions(figures, before)
    assert not worse, "more than 3 % above tests/bench-baseline.json:\n" + "\n".join(worse)


def test_a_regression_is_found():
    now = [bench.Figure("arm64", "trivet", name, n, n, "instructions", "") for name, n in (("a", 104), ("b", 103), ("c", 9))]
    now.append(bench.Figure("arm64", "kvm", "d", 1, 1, "instructions", ""))
    found = bench.regressions(now, {"arm64: a": 100, "arm64: b": 100, "arm64: c": 8, "arm64: d": 1})
    assert [line.split(":")[1] for line in found] == [" a", " d"]
