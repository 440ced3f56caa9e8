"""The oracle for what goes with staying and with leaving: random logs through the extension and through the definitions.

    python3 tests/oracle/drivers.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a superuser; works in a database of its own and drops it. The packages scipy and statsmodels, whose statistics are the
right ones, and xxhash are installed into target/statistics when they are not there yet. A case is one call of one function over a
table. How a case is run and compared says `runner`.

Files: driver_definitions (what is right), driver_logs (what is asked about), driver_cases (what is asked, and the laws
of the answers), stage_definitions (what is right about stages), driver_worked_cases (the oracle's own test); the others are those of `usage`.
"""

import os
import subprocess
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parents[2] / "target" / "statistics"
PACKAGES = ("numpy==1.26.4", "scipy==1.17.1", "statsmodels==0.15.0", "xxhash==3.6.0")


def use_packages():
    """Goes on in a Python that has the packages; makes one where there is none."""
    python = VENV / "bin" / "python3"
    if Path(sys.prefix) == VENV:
        return
    have = [python, "-c", "import scipy, statsmodels, xxhash"]
    if not python.exists() or subprocess.run(have, capture_output=True, check=False).returncode != 0:
        print("Installing scipy and statsmodels into target/statistics (about a minute, the first time)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(python, [python, *sys.argv])


if __name__ == "__main__":
    use_packages()

import driver_worked_cases
from driver_cases import broken_laws, expected_rows, random_driver_case
from driver_logs import random_driver_log
from runner import Concept, main

CONCEPT = Concept(random_driver_log, random_driver_case, expected_rows, broken_laws, driver_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
