"""A server of a test's own, on a private cluster, to be stopped, killed and started again.

Built on scripts/cluster.sh, so that its clusters have the extension's files. While a server runs, libpq's variables name it.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from psql import administer

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120


def wait_for(condition, what):
    """Returns what the condition gives as soon as it holds."""
    until = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > until:
            raise TimeoutError(f"waited {PATIENCE} s in vain for {what}")
        time.sleep(0.02)
    return found


def accepts_connections():
    """pg_isready is not enough: a backend may still be ended by the crash of another."""
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--command", "SELECT 1"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def process(pid):
    """The state, the parent and the title of a process, or None if it has ended. A zombie has."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        title = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").strip("\0 ")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else (state, int(parent), title)


def process_memory(pid, field):
    """A figure in kB from the status of a process, such as VmSize or RssAnon."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1])


class Server:
    """A new private cluster, for the duration of a `with` block; `settings` are PostgreSQL's, for all sessions."""

    def __init__(self, name, **settings):
        self._name = name
        self._settings = settings
        found = subprocess.run(["bash", "-c", "source scripts/lib.sh && private_dir"], cwd=ROOT, check=True,
                               capture_output=True, text=True)
        self.directory = Path(found.stdout.strip()) / "cluster" / name
        self.data = self.directory / "data"

    def __enter__(self):
        self.remove()
        try:
            self.start()
            for name, value in self._settings.items():
                administer(f"ALTER SYSTEM SET {name} = '{value}'")
            if self._settings:
                self.stop()
                self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def start(self, kilobytes=None):
        """Starts the server, if need be with a limit of the address space of each of its processes."""
        self._cluster("start", f"ulimit -v {kilobytes} && " if kilobytes else "")
        # The script starts servers on a port that is free; that changes.
        port = (self.data / "postmaster.pid").read_text().splitlines()[3].strip()
        os.environ |= {"PGHOST": str(self.directory), "PGPORT": port, "PGUSER": "postgres", "PGDATABASE": "postgres"}

    def stop(self):
        self._cluster("stop")

    def remove(self):
        self._cluster("remove")

    def _cluster(self, action, before=""):
        subprocess.run(["bash", "-c", f"{before}exec scripts/cluster.sh {action} {self._name}"], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL, timeout=PATIENCE)

    @property
    def postmaster(self):
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def children(self):
        """The processes that the postmaster has started, each with its title."""
        postmaster, found = self.postmaster, {}
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()):
            described = process(pid)
            if described and described[1] == postmaster:
                found[pid] = described[2]
        return found

    def backends(self):
        """The backends of clients and the parallel workers, each with its title."""
        return {pid: title for pid, title in self.children().items() if "[local]" in title or "parallel worker" in title}

    def kill_postmaster(self):
        """Kills the postmaster alone and waits until its children have ended: until then PostgreSQL does not start again."""
        children, postmaster = self.children(), self.postmaster
        os.kill(postmaster, signal.SIGKILL)
        wait_for(lambda: not any(process(pid) for pid in (postmaster, *children)), "the end of a dead postmaster's children")
        # A zombie that nobody has fetched yet looks alive to PostgreSQL.
        wait_for(lambda: not Path(f"/proc/{postmaster}").exists(), "the end of a dead postmaster")

    def limit_files(self, size):
        """Sets the largest size of a file, in bytes, for the processes that the postmaster starts from now on."""
        # Even root may lack the right to do this to another user's process.
        command = f"source scripts/lib.sh && as_server prlimit --pid {self.postmaster} --fsize={size}:"
        subprocess.run(["bash", "-c", command], cwd=ROOT, check=True)

    def recover(self):
        """Waits until the server accepts connections after a crash, and starts it if it does not run any more."""
        def is_back():
            if accepts_connections():
                return True
            if not self._runs():
                self.start()
            return False
        wait_for(is_back, "recovery")

    def _runs(self):
        try:
            return process(self.postmaster) is not None
        except FileNotFoundError:
            return False

    def temporary_files(self):
        """What lies in the directories of temporary files, in all tablespaces, and among replication slots."""
        places = [self.data / "base" / "pgsql_tmp", self.data / "pg_replslot", *self.data.glob("pg_tblspc/*/*/pgsql_tmp")]
        return [f"{directory}/{name}" for place in places for directory, directories, files in os.walk(place)
                for name in (*directories, *files)]
