"""Python packages with which the extension is compared or checked.

They are installed from PyPI, in the versions given by the caller, into a virtual environment under target/.
"""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


@dataclass(frozen=True)
class Packages:
    """Packages: the name of the environment, the arguments of pip, and the modules imported."""

    environment: str
    pins: tuple
    modules: tuple


def use(packages):
    """Continues in a Python that has the packages; installs them if they are missing."""
    if Path(sys.prefix).resolve() == (TARGET / packages.environment).resolve():
        return
    python = installed(packages)
    os.execv(python, [python, "-m", "oracle", *sys.argv[1:]])


def installed(packages):
    """The Python that has the packages, which are installed if they are missing."""
    environment = TARGET / packages.environment
    python = environment / "bin" / "python3"
    environment.parent.mkdir(parents=True, exist_ok=True)
    # Topics that run at the same time may share an environment.
    with open(f"{environment}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not has(python, packages.modules):
            print(f"Installing {', '.join(packages.modules)} into {environment} (about a minute, the first time)", flush=True)
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages.pins], check=True, stdin=subprocess.DEVNULL)
    return python


def has(python, modules):
    command = [python, "-c", f"import {', '.join(modules)}"]
    return python.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0
