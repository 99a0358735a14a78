"""Ctrl-C and SIGTERM at any moment: a server ends with 0, any other command as shells tell it, none with a traceback.

The moments are made by a library that is loaded then, and interrupts the command itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.server_process import environment, eventually, left_running

ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
LATE = "click"  # the first library that the command line loads
LATER = "duckdb"  # one that the work itself needs


def command(*words: str | Path, directory: Path, library: str = "", number: int = 0) -> subprocess.Popen[str]:
    """A command in which loading ``library`` sends the signal ``number``, and then takes long."""
    packages = environment()["PYTHONPATH"]
    if library:
        lib = directory / "library"
        lib.mkdir()
        (lib / f"{library}.py").write_text(f"import os, time\nos.kill(os.getpid(), {number})\ntime.sleep(60)\n")
        packages = f"{lib}{os.pathsep}{packages}"
    return subprocess.Popen(
        [sys.executable, "-m", "twin", *map(str, words)],
        cwd=directory,
        env=environment(PYTHONPATH=packages),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("library", [LATE, LATER])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", ["serve --port 0", "demo --port 0 --data data"])
def test_a_server_that_is_stopped_while_it_loads_ends_with_0(
    tmp_path: Path, words: str, library: str, number: int
) -> None:
    done = command(*words.split(), directory=tmp_path, library=library, number=number)
    said = done.communicate(timeout=60)
    assert (done.returncode, said) == (0, ("", ""))


@pytest.mark.parametrize("library", [LATE, LATER])
@pytest.mark.parametrize(("number", "status"), ENDS)
def test_a_command_that_is_interrupted_while_it_loads_says_so_by_its_status_alone(
    tmp_path: Path, library: str, number: int, status: int
) -> None:
    (tmp_path / "a.ttl").write_text("<urn:a> <urn:b> <urn:c> .")
    done = command("import", "a.ttl", directory=tmp_path, library=library, number=number)
    said = done.communicate(timeout=60)
    assert (done.returncode, said) == (status, ("", ""))


@pytest.mark.parametrize(("number", "status"), ENDS)
def test_an_import_that_is_interrupted_ends_the_process_that_reads_its_file_and_stores_nothing(
    tmp_path: Path, number: int, status: int
) -> None:
    head = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:u="urn:u:">'
    (tmp_path / "slow.rdf").write_text(head + "<rdf:Description><u:p>" * 300_000)  # minutes, unless it is stopped
    done = command("import", "slow.rdf", directory=tmp_path)
    reading: list[psutil.Process] = []

    def reads() -> bool:
        reading[:] = [
            each for each in psutil.Process(done.pid).children(recursive=True) if "sandbox" in " ".join(each.cmdline())
        ]
        return bool(reading)

    eventually(reads, "the file is being read")
    done.send_signal(number)
    said = done.communicate(timeout=60)
    assert (done.returncode, said) == (status, ("", ""))
    assert left_running(reading) == []
    again = command("export", "--site", "slow", "--data", "twin-data", directory=tmp_path)
    assert "There are: none" in again.communicate(timeout=60)[1]
