#!/usr/bin/env python3
"""pgspot, a checker of SQL scripts for attacks through search_path, on the install script of the extension.

    python3 tests/attack/pgspot.py

Needs the package that scripts/build.sh makes, and installs pgspot from PyPI into a virtual environment under target/. Each
finding must be one that tests/pgspot.txt accepts, and each line of that file must accept one. The last line is
`N passed, N failed`.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from oracle.kit.packages import ROOT, TARGET, Packages, installed  # noqa: E402

PACKAGES = Packages("pgspot-venv", ("pgspot==0.9.4", "pglast==7.21"), ("pgspot", "pglast"))
ACCEPTED = ROOT / "tests" / "pgspot.txt"
SUMMARY = re.compile(r"Errors: [0-9]+ Warnings: [0-9]+ Unknown: 0")


def accepted():
    """The lines of the file of accepted findings."""
    lines = ACCEPTED.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def readable(script):
    """The script without what stops pgspot: it knows the fields of a record, and not those of a table's row."""
    return re.sub(r"^( +\w+) user_metrics\.experiment;$", r"\1 record;", script, flags=re.MULTILINE)


def findings(script):
    """What pgspot finds in a script, without line numbers; what it cannot check is a finding."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(readable(script))
        file.flush()
        command = [installed(PACKAGES), "-m", "pgspot", file.name]
        result = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    lines = [line.strip() for line in (result.stdout + result.stderr).splitlines()]
    found = [re.sub(r" at line [0-9]+$", "", line) for line in lines if line and not SUMMARY.fullmatch(line)]
    return found if any(SUMMARY.fullmatch(line) for line in lines) else [*found, "pgspot did not read the whole script"]


def main():
    # The last that was built: packages for other servers may be older.
    scripts = sorted((TARGET / "package").glob("pg*/**/extension/user_metrics--*.sql"), key=lambda p: p.stat().st_mtime)[-1:]
    if not scripts:
        print("FAILED  there is no install script under target/package: scripts/build.sh makes it")
    passed, failed, unused = 0, int(not scripts), set(accepted())
    for finding in sorted({finding for script in scripts for finding in findings(script.read_text(encoding="utf-8"))}):
        matching = [line for line in accepted() if re.fullmatch(line, finding)]
        unused.difference_update(matching)
        passed, failed = passed + bool(matching), failed + (not matching)
        if not matching:
            print(f"FAILED  {finding}")
    for line in sorted(unused):
        failed += 1
        print(f"FAILED  tests/pgspot.txt accepts what is not found: {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
