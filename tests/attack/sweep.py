"""Runs many statements in a few long-lived sessions and judges how each of them ends, and what it leaves behind."""

import collections
import contextlib
import os
import queue
import re
import signal
import threading
import time

from psql import QUERY_CANCELED, ServerError, ServerGone, Session
from server import process, process_memory

TIMEOUT, LATEST, WATCHDOG, WORKERS = 2.0, 0.25, 10.0, 2
# How often a statement that ends late is repeated alone: the machine may be busy.
CHANCES = 3
OK, OUT_OF_MEMORY, LOST, HUNG, LATE = "00000", "53200", "gone", "hang", "late"
PANIC = re.compile(r"attempt to |called `|index out of bounds|out of range for slice|begin <= end|assertion|unreachable|"
                   r"not implemented|capacity overflow|RefCell|divide by zero|panicked|slice index|unwrap|overflow when ")
# Only such arguments may need more memory than there is.
HUGE = re.compile(r"generate_series|array_fill|repeat\(")
# The resident memory of a backend is recorded after every few cases; in kB.
RECORDED_EVERY, WARM_UP, FEWEST_RECORDS, MOST_GROWTH = 10, 0.2, 60, 40 * 1024


class Case:
    """A statement, what it is about, and how it may end: in any way that is no internal error, or with one of the SQLSTATEs
    in `expected`. `prepare` runs in the transaction of a case that is `rolled_back`. `answer` is a result's last line."""

    def __init__(self, subject, sql, given=(), *, rolled_back=False, expected=None, answer=None, prepare=(),
                 limit=TIMEOUT, may_time_out=False, group=None):
        self.subject, self.sql, self.given = subject, sql, tuple(given)
        self.rolled_back, self.expected, self.answer = rolled_back, expected, answer
        self.prepare, self.limit, self.may_time_out, self.group = prepare, limit, may_time_out, group

    @property
    def shown(self):
        return "; ".join([*self.prepare, self.sql])

    def complaint(self, sqlstate, message, lines):
        """What is wrong with the way it ended, or None."""
        if sqlstate == QUERY_CANCELED:
            return None if self.may_time_out else f"timed out after {self.limit:g} s"
        if PANIC.search(message) or sqlstate.startswith("XX") and sqlstate not in (self.expected or ()):
            return message
        if sqlstate == OUT_OF_MEMORY and not HUGE.search(self.shown):
            return f"needs too much memory: {message}"
        if self.expected and sqlstate not in self.expected:
            return f"expected {', '.join(sorted(self.expected))}: {message}"
        if sqlstate == OK and self.answer and lines[-1:] != [self.answer]:
            return f"{lines[-1:]} instead of {self.answer}"
        return None


class Failure:
    def __init__(self, sqlstate, message, case):
        self.sqlstate, self.case = sqlstate, case
        self.message = message if len(message) < 300 else message[:60] + " … " + message[-200:]

    @property
    def key(self):
        """Failures with the same key are shown once."""
        message = re.sub(r"-?[\d.]+", "N", re.sub(r'"[^"]*"', '"…"', self.message))
        return self.case.group or self.case.subject.split("(")[0], self.sqlstate, message[:120]


class Backend:
    """A session whose process is watched."""

    def __init__(self, database, prepare=()):
        self._prepare, self.records = prepare, []
        self.session = Session(database, statement_timeout=f"{int(TIMEOUT * 1000)}", timezone="UTC", jit="off",
                               max_parallel_workers_per_gather=0)
        self._begin()

    def _begin(self):
        self.pid = int(self.session.value("SELECT pg_backend_pid()"))
        self.session.run_all(self._prepare or ["SELECT"])
        self._cases = 0
        self.records.append([])

    def restart(self):
        self.session.restart()
        self.session.reset()
        self._begin()

    def record_memory(self):
        self._cases += 1
        if self._cases % RECORDED_EVERY == 0:
            self.records[-1].append(process_memory(self.pid, "RssAnon"))

    def growth(self):
        """How much the resident memory of each process has grown after a warm-up, in kB; of those that lived long enough.
        What the allocator keeps for a while does not count, so the least of the first half is compared with the least of the
        second."""
        for records in self.records:
            flat = records[int(WARM_UP * len(records)):]
            if len(flat) >= FEWEST_RECORDS:
                half = len(flat) // 2
                yield min(flat[half:]) - min(flat[:half])


class Watchdog:
    """Kills a backend that ignores its timeout; the server then restarts, and so do all sessions."""

    def __init__(self, pid):
        self._pid, self.has_killed = pid, False
        self._timer = threading.Timer(WATCHDOG, self._kill)

    def __enter__(self):
        self._timer.start()
        return self

    def __exit__(self, *_):
        self._timer.cancel()

    def _kill(self):
        described = process(self._pid)
        if described and described[2].startswith("postgres:"):
            self.has_killed = True
            os.kill(self._pid, signal.SIGKILL)


class Runner:
    """Runs cases in sessions of one database, which live as long as it does, and collects failures."""

    def __init__(self, database, prepare=(), count=WORKERS):
        self._database = database
        self.backends = [Backend(database, prepare) for _ in range(count)]
        self._lock, self._volatile = threading.Lock(), threading.Lock()
        self._busy = [threading.Lock() for _ in self.backends]
        # Arguments that crashed the server are not tried again and again.
        self._hopeless = {}
        self.calls = self.passed = self.refused = self.timed_out = self.kills = 0
        self.failures, self.count, self.subjects, self.answered = {}, {}, {}, collections.Counter()

    def close(self):
        for backend in self.backends:
            backend.session.close()

    def attempt(self, backend, case):
        """What is wrong with a case, or None."""
        watchdog = Watchdog(backend.pid)
        try:
            with watchdog:
                failure = self._judged(backend, case)
            states = backend.session.value("ROLLBACK\\; SELECT user_metrics_internal.live_states()")
        except ServerGone:
            self.kills += watchdog.has_killed
            backend.restart()
            return Failure(HUNG, f"killed after {WATCHDOG:.0f} s", case) if watchdog.has_killed else \
                Failure(LOST, "the connection was lost", case)
        except ServerError as error:
            return Failure(error.sqlstate, f"what follows fails: {error}", case)
        backend.record_memory()
        if states != "0" and failure is None:
            return Failure("states", f"{states} states are left", case)
        return failure

    def _judged(self, backend, case):
        session = backend.session
        with contextlib.ExitStack() as settings:
            try:
                if case.rolled_back:
                    session.run("BEGIN")
                for statement in case.prepare:
                    session.run(statement)
                if case.limit != TIMEOUT:
                    settings.enter_context(session.setting(statement_timeout=f"{int(case.limit * 1000)}ms"))
            except ServerError as error:
                return Failure(error.sqlstate, f"its preparation failed: {error}", case)
            begun, sqlstate, message, lines = time.monotonic(), OK, "", []
            try:
                lines = session.run(case.sql)
            except ServerError as error:
                sqlstate, message = error.sqlstate, message_of(error)
            took = time.monotonic() - begun
            if took > case.limit + LATEST:
                took = self._by_servers_clock(backend)
            if case.limit != TIMEOUT:
                session.run("ROLLBACK")
        with self._lock:
            self.calls += 1
            self.answered[case.subject] += sqlstate == OK
            self.refused += sqlstate not in (OK, QUERY_CANCELED)
            self.timed_out += sqlstate == QUERY_CANCELED
        if took > case.limit + LATEST:
            return Failure(LATE, f"took {took:.2f} s with a statement_timeout of {case.limit:g} s", case)
        complaint = case.complaint(sqlstate, message, lines)
        return complaint and Failure(sqlstate, complaint, case)

    def _by_servers_clock(self, backend):
        """The duration of the last statement of a session; what psql adds is not in it."""
        with Session(self._database) as clock:
            return float(clock.value("SELECT extract(epoch FROM state_change - query_start) FROM pg_stat_activity "
                                     f"WHERE pid = {backend.pid}"))

    def _attempt_alone(self, backend, case):
        """Repeats a case without other sessions, so that neither load nor another's crash counts as a failure."""
        with contextlib.ExitStack() as others:
            for busy in self._busy:
                others.enter_context(busy)
            return self.attempt(backend, case)

    def _run(self, backend, busy, case):
        if any(self._hopeless.get((given, case.subject)) or self._hopeless.get(given, 0) >= 3 for given in case.given):
            return
        with self._volatile if case.rolled_back else contextlib.nullcontext():
            with busy:
                failure = self.attempt(backend, case)
            for _ in range(CHANCES):
                if failure is None or failure.sqlstate not in (LOST, LATE, QUERY_CANCELED):
                    break
                failure = self._attempt_alone(backend, case)
        with self._lock:
            if failure is None:
                self.passed += 1
            else:
                self.note(failure)

    def note(self, failure):
        case, key = failure.case, failure.key
        if failure.sqlstate in (HUNG, LOST):
            for given in case.given:
                self._hopeless[given] = self._hopeless.get(given, 0) + 1
                self._hopeless[given, case.subject] = True
        self.count[key] = self.count.get(key, 0) + 1
        self.subjects.setdefault(key, set()).add(case.subject.split("(")[0].removeprefix("user_metrics."))
        known = self.failures.get(key)
        if known is None or len(case.shown) < len(known.case.shown):
            self.failures[key] = failure

    def check(self, holds, subject, complaint):
        """A check of the whole instead of a statement."""
        if holds:
            self.passed += 1
        else:
            self.note(Failure("sweep", complaint, Case(subject, "-")))

    def run_all(self, cases, workers=WORKERS):
        waiting, broken = queue.SimpleQueue(), []
        for case in cases:
            waiting.put(case)

        def work(backend, busy):
            try:
                while not broken:
                    self._run(backend, busy, waiting.get_nowait())
            except queue.Empty:
                pass
            except Exception as error:  # noqa: BLE001
                broken.append(error)
        threads = [threading.Thread(target=work, args=pair) for pair in zip(self.backends[:workers], self._busy)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]


def message_of(error):
    """The first line of an error without severity and SQLSTATE."""
    line = str(error).split(": ", 1)[1].split("\n")[0]
    return re.sub(r"^(psql:\S+ )?(ERROR|FATAL|PANIC): +(\w+: +)?", "", line)
