#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the parts of the tests named as arguments (unit, lint, emu) and end with one line of totals for all of them.

-k EXPRESSION selects emulated systems by name, as pytest does; --arch "x86_64 arm64" which architectures they are of.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
UNIT = pathlib.Path("build/unit")
UNIT_SECONDS = 120
LINT_SECONDS = 600
SKIPPED = 77  # a lint script's status when what it needs is not there

LINT = {
    "format": ["tests/lint/format.sh"],
    "cppcheck": ["tests/lint/cppcheck.sh"],
    "includes": ["tests/lint/includes.py"],
    "licence lines": ["tests/lint/rules.py", "spdx"],
    "portable core": ["tests/lint/rules.py", "portable"],
    "no archive hosts": ["tests/lint/rules.py", "archives"],
    "lengths": ["tests/lint/rules.py", "lengths"],
    "nothing unfinished": ["tests/lint/rules.py", "unfinished"],
}


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped


def run(command, seconds):
    """(status, output) of @command; a time-out is status 124."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as e:
        return 124, (e.stdout or b"").decode(errors="replace") + f"\nno end after {seconds} s\n"
    except OSError as e:
        return 127, f"{e}\n"


def say(verdict, name, text=""):
    print(f"{verdict:4}  {name}", flush=True)
    if text.strip():
        print("      " + text.strip().replace("\n", "\n      "), flush=True)


def unit(totals):
    """Each program is a cmocka test group, and counts as its tests."""
    status, output = run(["make", "-k", f"-j{os.cpu_count() or 1}", "--no-print-directory", "unit-bin"], 900)
    if status:
        print(output, end="")
    for source in sorted((ROOT / "tests" / "unit").glob("test_*.c")):
        program = UNIT / source.stem
        if status and subprocess.run(["make", "-q", str(program)], cwd=ROOT, capture_output=True).returncode:
            say("FAIL", f"{program} was not built")
            totals.add(failed=1)
            continue
        code, output = run([str(program)], UNIT_SECONDS)
        # cmocka's summary: "[  PASSED  ] 3 test(s)."
        counts = {word: sum(map(int, re.findall(rf"^\[ +{word} +\] (\d+) test", output, re.M)))
                  for word in ("PASSED", "FAILED", "SKIPPED")}
        failed = counts["FAILED"] or (1 if code else 0)
        totals.add(counts["PASSED"], failed, counts["SKIPPED"])
        say("FAIL" if failed else "ok", f"{program}: {counts['PASSED']} passed, {failed} failed",
            output if failed else "")


def lint(totals):
    for name, command in LINT.items():
        code, output = run(command, LINT_SECONDS)
        if code == SKIPPED:
            totals.add(skipped=1)
            say("skip", f"lint: {name}", output)
        else:
            totals.add(passed=code == 0, failed=code != 0)
            say("FAIL" if code else "ok", f"lint: {name}", output)


def emu(totals, arches, select):
    """Whole systems, by pytest, as many at a time as there are CPUs; its report has the counts."""
    built = []
    for arch in arches:
        status, output = run(["make", "--no-print-directory", f"ARCH={arch}", "all", "assets-test"], 1800)
        if status:
            say("FAIL", f"the image for {arch} was not built", output[-4000:])
            totals.add(failed=1)
        else:
            built.append(arch)
    if not built:
        return
    report = ROOT / "build" / "emu" / "report.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    command = [sys.executable, "-B", "-m", "pytest", "-v", "-p", "no:cacheprovider", "--tb=short", "--durations=10",
               "-n", str(os.cpu_count() or 1), f"--junitxml={report}", "tests/emu"]
    command += ["-k", select] if select else []
    status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                            env={**os.environ, "TRIVET_ARCHES": " ".join(built)}).returncode
    suites = xml.etree.ElementTree.parse(report).getroot().iter("testsuite") if report.exists() else []
    count = {key: 0 for key in ("tests", "failures", "errors", "skipped")}
    for suite in suites:
        for key in count:
            count[key] += int(suite.get(key, 0))
    failed = count["failures"] + count["errors"]
    totals.add(max(0, count["tests"] - failed - count["skipped"]), failed or (1 if status else 0), count["skipped"])


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("parts", nargs="+", choices=["unit", "lint", "emu"])
    p.add_argument("-k", dest="select", default="")
    p.add_argument("--arch", default="x86_64 arm64", type=str.split)
    args = p.parse_args()
    totals = Totals()
    for part in args.parts:
        start = time.monotonic()
        print(f"== {part}", flush=True)
        emu(totals, args.arch, args.select) if part == "emu" else {"unit": unit, "lint": lint}[part](totals)
        print(f"== {part} took {time.monotonic() - start:.0f} s", flush=True)
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped", flush=True)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
