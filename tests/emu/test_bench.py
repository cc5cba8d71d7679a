# SPDX-License-Identifier: Apache-2.0
"""What Trivet costs has not grown: counted instructions and exits against tests/bench-baseline.json (docs/performance.md)."""

import json
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "bench"))

import bench  # noqa: E402
import counted  # noqa: E402


def baseline(arch):
    return {name: n for name, n in json.loads(bench.BASELINE.read_text()).items() if name.startswith(f"{arch}: ")}


@pytest.mark.parametrize("machine", ["svm", "arm64"], indirect=True)
def test_costs_have_not_grown(machine):
    figures = bench.operations(machine.name)
    why = counted.splits(machine.arch)
    before = baseline(machine.arch)
    if why:  # then what single operations cost is all that can be told
        before = {name: n for name, n in before.items() if "Linux boot" not in name and "memory kept" not in name}
    else:
        figures += bench.boot(machine.arch)
    assert before
    worse = bench.regressions(figures, before)
    assert not worse, "more than 3 % above tests/bench-baseline.json:\n" + "\n".join(worse)


def test_a_regression_is_found():
    now = [bench.Figure("arm64", "trivet", name, n, n, "instructions", "") for name, n in (("a", 104), ("b", 103), ("c", 9))]
    now.append(bench.Figure("arm64", "kvm", "d", 1, 1, "instructions", ""))
    found = bench.regressions(now, {"arm64: a": 100, "arm64: b": 100, "arm64: c": 8, "arm64: d": 1})
    assert [line.split(":")[1] for line in found] == [" a", " d"]
