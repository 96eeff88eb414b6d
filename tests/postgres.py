"""A PostgreSQL of the tests' own: made in a temporary folder, reached by a socket in it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

DEBIAN = "/usr/lib/postgresql"
"""Where Debian keeps its programs, out of the PATH, by version."""

QUICK = "-c fsync=off -c full_page_writes=off -c max_connections=200"
"""What is lost in a power failure is no test's concern."""


def programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where there is none."""
    found = sorted(Path(DEBIAN).glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    known = shutil.which("initdb", path=str(found[-1].parent) if found else None)
    return Path(known).parent if known else None


class Cluster:
    """A server of its own, on no port."""

    def __init__(self, bin: Path) -> None:
        self._bin = bin
        self._folder = Path(tempfile.mkdtemp(prefix="gd-pg-"))
        if self._as:
            shutil.chown(self._folder, self._as["user"])
        self._run("initdb", "--auth=trust", "--username=lab", "--encoding=UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Begin to answer, with whatever was committed before."""
        where = f"-c listen_addresses='' -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-l", log, "-o", f"{where} {QUICK}")

    def stop(self, mode: str = "fast") -> None:
        """End it, and all connections with it."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def restart(self, mode: str = "fast") -> None:
        """End it, with a moment in which nobody answers."""
        self.stop(mode)
        time.sleep(0.2)
        self.start()

    def close(self) -> None:
        """End it for good."""
        with suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where its database is."""
        return f"postgresql+psycopg://lab@/postgres?host={self._folder}"

    def empty(self) -> None:
        """Let go of all that is in its database, whoever still holds it; quicker than a new one."""
        self.say(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lab'"
            " AND pid <> pg_backend_pid()"
        )
        self.say("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def say(self, words: str) -> None:
        """One statement of its administrator."""
        url = self.url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(words)

    @property
    def _as(self) -> dict[str, Any]:
        """PostgreSQL refuses to be run by root: then by whom, as ``subprocess`` is told."""
        if os.getuid():
            return {}
        users = {one.pw_name for one in pwd.getpwall()}
        user = "postgres" if "postgres" in users else "nobody"
        return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), "-D", str(self._folder / "data"), *words]
        with open(self._folder / "programs.log", "a") as log:
            subprocess.run(
                command, check=True, stdout=log, stderr=log, cwd=self._folder, **self._as
            )
