# SPDX-License-Identifier: Apache-2.0
"""The files that the lint scripts look at, and how they report."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(*suffixes):
    """Paths, relative to the root, of what git knows or would take; of all kinds, or those with one of @suffixes."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    paths = [pathlib.PurePosixPath(n) for n in sorted(names) if (ROOT / n).is_file()]
    return [p for p in paths if not suffixes or p.suffix in suffixes]


def text(path):
    return (ROOT / path).read_text(errors="replace")


def finish(problems):
    """Print @problems, end with a status that says whether there are any."""
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
