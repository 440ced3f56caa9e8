"""What an attack has checked, and its closing lines."""

import collections

SHOWN = 40


class Tally:
    """What has been checked, what has failed, and what has been done."""

    def __init__(self):
        self.passed, self.failures, self.counts = 0, [], collections.Counter()

    def check(self, holds, complaint):
        if holds:
            self.passed += 1
        else:
            self.failures.append(complaint)

    def close(self):
        """Prints failures, counts and the last line, and returns the exit status."""
        for failure in self.failures[:SHOWN]:
            print(f"FAILED  {failure}")
        for what, count in self.counts.items():
            print(f"count: {what} {count}")
        print(f"{self.passed} passed, {len(self.failures)} failed")
        return 1 if self.failures else 0
