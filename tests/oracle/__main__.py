"""Runs the oracle of one topic, or lists the topics.

    python3 -m oracle TOPIC [--cases N] [--seed S] [--slow] [--self-test]
    python3 -m oracle --topics

in tests/, or with PYTHONPATH=tests. Needs a server with the extension installed, named by libpq's environment variables
(PGHOST, PGPORT, PGUSER, ...), and a superuser; works in databases of its own and drops them. --self-test needs no server.

The seed printed first repeats a run of the same day (some logs lie around the present). The last line of a run is
`N passed, N failed`.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from oracle.kit.command import run

HERE = Path(__file__).resolve().parent


def topics():
    """The folders that have a run.py, as package names."""
    return sorted(".".join(path.parent.relative_to(HERE).parts) for path in HERE.rglob("run.py"))


def listed():
    return "\n".join(f"{topic:22} {import_module(f'oracle.{topic}').__doc__.splitlines()[0]}" for topic in topics())


def main():
    parser = argparse.ArgumentParser(
        prog="python3 -m oracle", description=__doc__.split("\n")[0], epilog=f"topics:\n{listed()}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("topic", nargs="?", metavar="TOPIC", choices=topics(), help="what to compare")
    parser.add_argument("--topics", action="store_true", help="print the names of the topics, one a line")
    parser.add_argument("--cases", type=int, default=None, help="how many cases to compare; default: the topic's own number")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; default: another each time")
    parser.add_argument("--slow", action="store_true", help="ten times as many cases")
    parser.add_argument("--self-test", action="store_true", help="test the oracle itself on cases worked by hand")
    asked = parser.parse_args()
    if asked.topic is not None and not asked.topics:
        return run(asked.topic, asked)
    if asked.topics:
        print("\n".join(topics()))
    elif len(sys.argv) > 1:
        parser.error("which topic?")
    else:
        print(listed())
    return 0


if __name__ == "__main__":
    sys.exit(main())
