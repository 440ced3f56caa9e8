#!/usr/bin/env python3
"""Runs the examples of the documentation: tests/docs.py [--write] [--template DATABASE] FILE...

In each file, every fenced block of `sql` goes through one psql session, in order, in a database of its own made from the
template (which holds the demonstration log as request_log). The extension is there from the start, unless the file
itself says CREATE EXTENSION user_metrics.

- A `text` block that follows before the next heading or block is what psql must print, errors included.
- Without one, the example must run without an error; its output is not checked.
- `sql norun` blocks are not run: they refer to tables of other applications. They are counted as skipped.

--write puts what psql printed into the `text` blocks instead. libpq's environment variables name the server. The last
line is `N passed, N failed`.
"""

import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys

FENCE = re.compile(r"^(?P<indent> *)```(?P<info>.*)$")
MARKER = "@@ end of example @@"
FAILURE = re.compile(r"^(ERROR|FATAL|PANIC|psql|invalid command|unrecognized|connection to server|server closed)", re.MULTILINE)
# The end of an example that leaves no unfinished statement in psql: a semicolon or a psql command.
FINISHED = re.compile(r"(;|^\\.*|\\(g|gx|gset|gexec|gdesc|crosstabview)\b.*)\s*(--.*)?\Z", re.MULTILINE)


class Block:
    """A fenced block: the words after its backquotes, its text, and its lines in the file, without the fences."""

    def __init__(self, words, indent, first):
        self.words, self.indent, self.first, self.last = words, indent, first, first
        self.lines = []

    def text(self):
        return "\n".join(self.lines)


class Example:
    """A block of SQL and the block of text with its expected output, if there is one."""

    def __init__(self, sql, output):
        self.sql, self.output = sql, output


def examples(lines):
    """Pairs each block of SQL with the block of text after it under the same heading; also returns the skipped ones."""
    found, skipped, block, waiting = [], 0, None, None
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if block:
            if fence and not fence["info"].strip():
                block.last = number
                waiting, skipped = close(block, found, waiting, skipped)
                block = None
            else:
                block.lines.append(line.removeprefix(block.indent))
        elif fence:
            block = Block(fence["info"].split(), fence["indent"], number + 1)
        elif line.startswith("#"):
            waiting = None
    if block:
        raise SystemExit(f"the block of line {block.first} has no end")
    return found, skipped


def close(block, found, waiting, skipped):
    """Stores a complete block; returns the example whose output may follow, and the number of skipped."""
    if block.words[:1] == ["sql"] and "norun" in block.words:
        return None, skipped + 1
    if block.words[:1] == ["sql"]:
        found.append(Example(block, None))
        return found[-1], skipped
    if block.words[:1] == ["text"] and waiting:
        waiting.output = block
    return None, skipped


def psql(database, script):
    """The output of psql for the script, as an interactive user would see it."""
    # Errors and results in one stream: psql flushes its output before it reports an error.
    run = subprocess.run(["psql", "--no-psqlrc", "--pset=pager=off", "--dbname", database], input=script, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PGCLIENTENCODING": "UTF8"},
                         encoding="utf-8", check=False)
    return run.stdout


def administer(statement):
    subprocess.run(["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement], check=True)


def run(sources, template):
    """Runs the examples of one file; returns the output of each, None for those that psql did not reach."""
    database = f"user_metrics_docs_{os.getpid()}"
    administer(f"CREATE DATABASE {database} TEMPLATE {template}")
    try:
        if not any(re.search(r"CREATE EXTENSION[^;]*user_metrics", source, re.IGNORECASE) for source in sources):
            psql(database, "CREATE EXTENSION user_metrics;")
        script = "".join(f"{source}\n{leave_nothing(source)}\\echo '{MARKER}'\n" for source in sources)
        parts = psql(database, script).split(MARKER + "\n")
    finally:
        administer(f"DROP DATABASE {database} WITH (FORCE)")
    return [tidy(part) for part in parts[:-1]] + [None] * (len(sources) - len(parts) + 1)


def leave_nothing(source):
    """An unfinished statement must not be continued by the next example."""
    return "" if FINISHED.search(source.rstrip()) else "\\r\n"


def tidy(text):
    """psql pads columns with trailing spaces that editors strip, and ends a table with an empty line."""
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def complaint(example, printed):
    """What is wrong with an example, or None."""
    if printed is None:
        return "psql did not get this far"
    if leave_nothing(example.sql.text()):
        return "the last statement has no semicolon"
    if example.output is None:
        return printed if FAILURE.search(printed) else None
    expected = tidy(example.output.text())
    if printed == expected:
        return None
    return "\n".join(difflib.unified_diff(expected.split("\n"), printed.split("\n"), "documented", "printed", lineterm=""))


def write(path, lines, found, outputs):
    """Writes the actual output into the blocks of text."""
    for example, printed in reversed(list(zip(found, outputs, strict=True))):
        if example.output and printed is not None:
            block = example.output
            lines[block.first:block.last] = [(block.indent + line).rstrip() for line in printed.split("\n")]
    path.write_text("\n".join(lines), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="Runs the examples of the documentation.")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--template", default="template1", help="database to begin with")
    parser.add_argument("--write", action="store_true", help="put what psql prints into the text blocks")
    arguments = parser.parse_args()

    passed = failed = 0
    for path in arguments.files:
        lines = path.read_text(encoding="utf-8").split("\n")
        found, skipped = examples(lines)
        outputs = run([example.sql.text() for example in found], arguments.template) if found else []
        if arguments.write:
            write(path, lines, found, outputs)
            continue
        wrong = 0
        for example, printed in zip(found, outputs, strict=True):
            problem = complaint(example, printed)
            if problem is not None:
                wrong += 1
                print(f"FAILED  {path}:{example.sql.first}\n{problem}\n")
        compared = sum(example.output is not None for example in found)
        print(f"{path}: {len(found)} examples run, {compared} of them compared, {skipped} skipped, {wrong} wrong")
        passed += len(found) - wrong
        failed += wrong
    if not arguments.write:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
