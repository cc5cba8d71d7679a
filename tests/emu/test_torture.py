# SPDX-License-Identifier: Apache-2.0
"""Commands of the service console at random, from a seed, over guests that storm each other; `audit` after each.

SECONDS and SEED of the environment: how long, and which sequence; `make soak` sets them.
"""

import os
import random
import time

import pytest

from conftest import EVERY, Desk

SECONDS = int(os.environ.get("TORTURE_SECONDS", 90))
SEED = int(os.environ.get("TORTURE_SEED", 1))
ANSWER = 300  # seconds for the answer to a command, however busy this computer is; Bochs: twice that
RUNNING = ["pause {g}", "resume {g}", "reset {g}", "stop {g}", "start {g}", "migrate {g} {v} {c}", "migrate {g} {v} {c}",
           "migrate {g} {v} {c}", "shares {g} {n}", "priority {g} {p}", "shake {g} {k} {s}", "shake {g} {k} {s}", "vms", "cpus", "stats {g}"]
STORMS = ["on-poweroff = restart", "on-reboot = restart", "on-crash = restart"]
GUESTS = {"one": ("smp", 2), "two": ("smp", 2), "bell": ("hostile-bellstorm", 1), "exits": ("hostile-exitstorm", 1),
          "memory": ("memory", 1), "idle": ("hostile-idle", 1)}


def torture(system, cpus, seconds):
    rng = random.Random(SEED)
    print(f"torture: SEED={SEED} on {system.name}, {seconds} s")
    config = "[machine]\npoweroff-when-done = no\n"
    for name, (kernel, count) in GUESTS.items():
        config += system.small(kernel, name, "\n".join([f"cpus = {count}", *STORMS]))
    desk = Desk(system, "--config", system.file("torture.ini", config), "--host-cpus", str(cpus),
                seconds=ANSWER * (2 if system.name == "vmx" else 1))
    desk.expect(f"trivet: {cpus} of {cpus} CPUs are up")
    desk.begin()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = rng.choice(list(GUESTS))
        # A higher priority for all of them would leave the lower ones nothing, and that is right: most stay at 0.
        desk.command(rng.choice(RUNNING).format(g=name, v=rng.randrange(GUESTS[name][1]), c=rng.randrange(cpus),
                                                n=rng.choice([1, 50, 100, 300, 10000]), p=rng.choice([0, 0, 0, 1, 7]),
                                                k=rng.randrange(1, 500), s=rng.randrange(1 << 32)))
        desk.audit()
    print(f"torture: {len(desk.history)} commands")
    desk.power_off()


@pytest.mark.parametrize("machine", [name for name in EVERY if name in ("svm", "arm64")], indirect=True)
def test_torture(machine):
    torture(machine, 4, SECONDS)


@pytest.mark.parametrize("machine", [name for name in EVERY if name == "vmx"], indirect=True)
def test_torture_on_vmx(machine):
    torture(machine, 2, SECONDS // 2)
