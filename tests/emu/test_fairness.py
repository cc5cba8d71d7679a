# SPDX-License-Identifier: Apache-2.0
"""Who gets how much of one CPU, in turns of a guest's own loop (guest/test/t_busy.c), the clock counting instructions."""

import pexpect
import pytest

HEAD = "[machine]\npoweroff-when-done = no\n"
alone = {}


def turns(system, config):
    """The turns that the first guest of @config, a busy one, had."""
    child = system.console("--config", system.file("busy.ini", HEAD + config), "--count", seconds=900)
    if child.expect([r"BUSY (\d+)\s", pexpect.TIMEOUT, pexpect.EOF], timeout=600) != 0:
        pytest.fail(f"no BUSY line:\n{(child.before or '')[-3000:]}")
    n = int(child.match[1])
    child.close(force=True)
    return n


def share(system, config):
    """Of what it has alone, in per cent."""
    if system.name not in alone:
        alone[system.name] = turns(system, system.small("busy"))
    return 100 * turns(system, config) / alone[system.name]


def test_equal_guests_have_equal_parts(quick):
    assert 48 <= share(quick, quick.small("busy", "one") + quick.small("busy", "two")) <= 52


@pytest.mark.parametrize("mine, others, part", [(300, 100, 75), (100, 300, 25)])
def test_shares(quick, mine, others, part):
    config = quick.small("busy", "one", f"shares = {mine}") + quick.small("busy", "two", f"shares = {others}")
    assert part - 2 <= share(quick, config) <= part + 2


@pytest.mark.parametrize("storm", ["hostile-exitstorm", "hostile-bellstorm"])
def test_a_storm_takes_no_more_than_its_part(quick, storm):
    """What the service VM does for it counts as its."""
    assert share(quick, quick.small("busy") + quick.small(storm)) >= 48


def test_a_higher_priority_goes_first(quick):
    assert share(quick, quick.small("busy", "one", "priority = 3") + quick.small("busy", "two")) >= 99


def test_a_budget_limits_a_high_priority(quick):
    config = quick.small("busy", "one", "priority = 3\nbudget = 20ms/100ms") + quick.small("busy", "two")
    assert 18 <= share(quick, config) <= 22


def test_the_rest_is_the_others(quick):
    config = quick.small("busy", "one") + quick.small("busy", "two", "priority = 3\nbudget = 20ms/100ms")
    assert 78 <= share(quick, config) <= 82


def test_idle_guests_cost_nothing(quick):
    config = quick.small("busy") + "".join(quick.small("hostile-idle", f"idle{i}") for i in range(8))
    assert share(quick, config) >= 99.9
