"""Runs the tests with every Python of this machine that the project supports, and prints a table.

Usage: ``python tests/every_python.py [--only 3.12 3.13] [--keep FOLDER] [-- PYTEST_ARGUMENTS]``. Each Python gets an
environment of its own, outside the checkout, with the extras ``train``, ``sim`` and ``dev``: of them, what their
markers in ``pyproject.toml`` give that Python. Torch and pybullet are for 3.11; elsewhere their tests are skipped.
Versions are those of ``constraints.txt``, which was made with 3.11. If one of them cannot be installed with another
Python, that is said, and the newest versions that fit are taken instead. Kernels are compiled anew for each Python,
which takes minutes. Exit status 1 if a test failed anywhere.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 11)
EXTRAS = "train,sim,dev"
ASK = "import sys; print('%d.%d' % sys.version_info[:2], sys.implementation.name, sys.base_prefix)"


@dataclass(frozen=True)
class Python:
    """An interpreter: its version, such as ``3.12``, and where it is."""

    version: str
    path: Path

    @property
    def order(self) -> tuple[int, ...]:
        """For comparing versions."""
        return tuple(map(int, self.version.split(".")))


@dataclass(frozen=True)
class Outcome:
    """One row of the table."""

    python: Python
    pins: str
    tests: str
    passed: bool


def candidates() -> Iterator[Path]:
    """Files that may be interpreters: on the path, and of pyenv, which shows only the chosen one there."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in (*folders, *sorted(pyenv.glob("versions/*/bin"))):
        yield from sorted(path for path in folder.glob("python3*") if re.fullmatch(r"python3(\.\d+)?", path.name))


def pythons() -> list[Python]:
    """One CPython of each version from the oldest supported one on; environments count as what they were made from."""
    found: dict[str, Python] = {}
    for path in dict.fromkeys(path.resolve() for path in candidates()):
        try:
            done = subprocess.run([path, "-c", ASK], capture_output=True, text=True, timeout=30.0)
        except (OSError, subprocess.TimeoutExpired):
            continue
        version, name, prefix = [*done.stdout.strip().split(" ", 2), "", ""][:3]
        base = Path(prefix) / "bin" / f"python{version}"
        if done.returncode == 0 and name == "cpython" and base.exists():
            python = Python(version, base)
            if python.order >= OLDEST:
                found.setdefault(version, python)
    return sorted(found.values(), key=lambda python: python.order)


def environment(python: Python, folder: Path) -> tuple[Path, str]:
    """Make an environment with the project in it, or use the one that is there.

    Returns:
        Its interpreter, and whether the pins of ``constraints.txt`` could be installed.

    Raises:
        subprocess.CalledProcessError: If nothing can be installed.
    """
    own = folder / python.version / "bin" / "python"
    if not own.exists():
        subprocess.run([python.path, "-m", "venv", own.parents[1]], check=True)
    install = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", f"{ROOT}[{EXTRAS}]"]
    pinned = subprocess.run([*install, "-c", str(ROOT / "constraints.txt")], stderr=subprocess.PIPE, text=True)
    if pinned.returncode == 0:
        return own, "as pinned"
    errors = [line for line in pinned.stderr.splitlines() if line.startswith("ERROR")]
    print(f"{python.version}: constraints.txt does not fit ({'; '.join(errors)}); without it", file=sys.stderr)
    subprocess.run(install, check=True)
    return own, "newest"


def run(python: Python, folder: Path, arguments: Sequence[str]) -> Outcome:
    """Run the tests with one Python."""
    print(f"== Python {python.version}, {python.path}", flush=True)
    try:
        own, pins = environment(python, folder)
    except subprocess.CalledProcessError as error:
        return Outcome(python, "-", f"no environment: exit status {error.returncode}", False)
    command = [str(own), "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    last = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line.strip(" =\n") or last
    return Outcome(python, pins, last, process.wait() == 0)


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the table."""
    print(f"\n{'Python':8} {'versions':10} {'':6} tests")
    for one in outcomes:
        print(f"{one.python.version:8} {one.pins:10} {'ok' if one.passed else 'FAILED':6} {one.tests}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests with each Python; 1 if any failed, 2 if there is no such Python."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="VERSION", help="such as 3.12; else all that are found"
    )
    parser.add_argument("--keep", type=Path, help="folder of the environments, which stay; else they are removed")
    parser.add_argument("pytest", nargs="*", help="after --: arguments of pytest")
    options = parser.parse_args(arguments)
    found = {python.version: python for python in pythons()}
    chosen = [found[version] for version in options.only or found if version in found]
    missing = [version for version in options.only if version not in found]
    if missing or not chosen:
        print(f"error: no Python {', '.join(missing)}; found: {', '.join(found) or 'none'}", file=sys.stderr)
        return 2
    folder = options.keep or Path(tempfile.mkdtemp(prefix="every-python-"))
    try:
        outcomes = [run(python, folder.resolve(), options.pytest) for python in chosen]
    finally:
        if options.keep is None:
            shutil.rmtree(folder)
    show(outcomes)
    return int(not all(one.passed for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
