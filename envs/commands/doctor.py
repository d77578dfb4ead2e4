"""Checks that this machine can run the project, and says how to mend what is missing.

Usage: ``swarm-doctor``, or ``python launch/doctor.py`` from a checkout. Exit status 1 if anything fails. It needs only
the standard library: it also runs where the installation is what is broken; with ``rich`` the table is prettier.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

DISTRIBUTION = "swarm-navigation"
OLDEST_PYTHON = (3, 11)
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
OK, SKIPPED, FAILED = "ok", "skipped", "FAIL"


def checkout() -> Path | None:
    """The checkout that this file is in; None if it was installed without one."""
    for folder in Path(__file__).resolve().parents:
        if (folder / "pyproject.toml").is_file() and (folder / "constraints.txt").is_file():
            return folder
    return None


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        name: What was checked.
        status: ``ok``, ``skipped`` (an optional part is absent) or ``FAIL``.
        detail: What was found.
        fix: How to mend it; empty when there is nothing to mend.
    """

    name: str
    status: str
    detail: str
    fix: str = ""


def read_pins(path: Path) -> dict[str, str]:
    """Versions by normalised package name, from the lines ``name==version`` of a constraints file."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {normalise(name): version for name, version in lines}


def normalise(name: str) -> str:
    """The canonical form of a package name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_version(name: str) -> str | None:
    """Version of an installed package without its local tag (``2.13.0+cpu`` is ``2.13.0``), or None."""
    try:
        return importlib.metadata.version(name).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """The interpreter is new enough."""
    found = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return Check("python", FAILED, found, f"install Python 3.11 or newer, then {install()}")
    return Check("python", OK, f"{found} at {sys.executable}")


def install(extra: str = "") -> str:
    """How to install the project, with an extra."""
    named = f"[{extra}]" if extra else ""
    if checkout() is None:
        return f"pip install '{DISTRIBUTION}{named}'"
    return f"make install, or pip install -e '.{named}' -c constraints.txt" if extra else "make install"


def check_packages(
    group: str, names: list[str], pins: dict[str, str], *, optional: bool, shared: Collection[str] = (),
    without: Collection[str] = (),
) -> Check:  # fmt: skip
    """Every package of one group of dependencies is installed, in the pinned version.

    Args:
        group: Name of the group in ``pyproject.toml``; ``robot`` for the base dependencies.
        names: The packages.
        pins: Pinned versions by normalised name; a package without a pin may have any version.
        optional: Whether a group that is wholly absent is fine.
        shared: Packages that may be there for another reason, and tell nothing about the group, by normalised name.
        without: What the group has with an older Python only.
    """
    found, fix = {name: installed_version(name) for name in names}, install(group if optional else "")
    missing = [name for name, version in found.items() if version is None]
    pinned = {name: pins.get(normalise(name)) or version for name, version in found.items()}
    wrong = [f"{n} {v} instead of {pinned[n]}" for n, v in found.items() if v not in (None, pinned[n])]
    older = f"; without {', '.join(without)}, which an older Python has" if without else ""
    if optional and (missing or not names) and all(name in missing or normalise(name) in shared for name in names):
        return Check(f"packages: {group}", SKIPPED, f"not installed{older}", fix)
    if missing or wrong:
        parts = [f"missing: {', '.join(missing)}"] * bool(missing) + wrong
        # Who installed no checkout may have some of an extra for reasons of their own.
        status = SKIPPED if optional and not wrong and checkout() is None else FAILED
        return Check(f"packages: {group}", status, "; ".join(parts), fix)
    exact = " as pinned" * bool(pins)
    return Check(f"packages: {group}", OK, f"{len(names)} package{'s' * (len(names) != 1)}{exact}{older}")


def requirements(listed: list[str], version: str, *, left_out: bool = False) -> dict[str, list[str]]:
    """Names of the packages that each extra needs, and ``robot`` without one, with this version of Python.

    Args:
        listed: As in a distribution's metadata: ``pybullet; python_version < "3.12" and extra == "sim"``.
        version: Of Python, such as ``3.11``.
        left_out: Instead of those, the ones that only an older Python gets.
    """
    found: dict[str, list[str]] = {"robot": []}
    own = [int(part) for part in version.split(".")]
    for line in listed:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        group = found.setdefault(extra[1] if extra else "robot", [])
        older = re.search(r"python_version\s*<\s*['\"]([\d.]+)['\"]", marker)
        if (older is None or own < [int(part) for part in older[1].split(".")]) != left_out:
            group.append(re.split(r"[=<>!~\[; ]", requirement)[0])
    return found


def requires(name: str) -> list[str] | None:
    """What an installed package needs, as its metadata lists it; None if it is not installed."""
    return None if installed_version(name) is None else importlib.metadata.requires(name) or []


def brought_by_others(extra: str, groups: dict[str, list[str]]) -> set[str]:
    """Normalised names of what is or may be there without an extra: of other groups, and what their packages need."""
    others = {name for group, names in groups.items() if group != extra for name in names}
    needed = {name for other in others for name in requirements(requires(other) or [], PYTHON)["robot"]}
    return set(map(normalise, others | needed))


def check_all_packages() -> Iterator[Check]:
    """One check for the base dependencies and one for each extra."""
    listed = requires(DISTRIBUTION)
    if listed is None:
        yield Check("packages", FAILED, f"{DISTRIBUTION} is not installed", install())
        return
    folder = checkout()
    pins = {} if folder is None else read_pins(folder / "constraints.txt")
    groups, without = requirements(listed, PYTHON), requirements(listed, PYTHON, left_out=True)
    for extra, names in groups.items():
        optional, shared = extra != "robot", brought_by_others(extra, groups)
        yield check_packages(extra, names, pins, optional=optional, shared=shared, without=without[extra])


def check_import() -> Check:
    """The packages of this installation are the ones that Python imports from anywhere."""
    code = "import sys; sys.path.remove(''); import swarm, envs, policies; print(swarm.__file__)"
    status, output = run_python(code)
    if status != 0:
        return Check("import", FAILED, last_line(output), install())
    found, folder = Path(last_line(output)).resolve(), checkout()
    if folder is None:
        return Check("import", OK, f"swarm, envs and policies come from {found.parent} and beside it")
    if found.is_relative_to(folder):
        return Check("import", OK, "swarm, envs and policies come from this checkout")
    return Check("import", FAILED, f"another checkout: {found}", "make install")


def check_numba_cache() -> Check:
    """Compiled kernels can be kept, so that only the first run waits for the compiler."""
    given, folder = os.environ.get("NUMBA_CACHE_DIR"), Path("~/.cache/swarm/kernels")
    fix = "make the folder writable, or set NUMBA_CACHE_DIR to one that is"
    try:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = (Path(given) if given else Path(cache) / "swarm") / "kernels"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError) as error:  # there may be no home
        return Check("numba cache", FAILED, f"{folder}: {getattr(error, 'strerror', None) or error}", fix)
    return Check("numba cache", OK, f"{folder} is writable")


def check_bullet() -> Check:
    """The physics engine starts. Skipped where it is not installed (a robot needs none)."""
    if installed_version("pybullet") is None:
        if "pybullet" in requirements(requires(DISTRIBUTION) or [], PYTHON, left_out=True).get("sim", ()):
            return Check("pybullet", SKIPPED, f"has no wheel for Python {PYTHON}; what needs no physics works")
        return Check("pybullet", SKIPPED, "not installed", install("sim"))
    status, output = run_python("import pybullet as p; import sys; sys.exit(p.connect(p.DIRECT) < 0)")
    if status != 0:
        return Check("pybullet", FAILED, last_line(output), f"{install('sim')}; on Linux also libgl1")
    return Check("pybullet", OK, "connects")


def check_checkpoint(folder: Path) -> Check:
    """A shipped policy loads in the runtime that a robot uses."""
    name = f"checkpoint: {folder.name}"
    path = folder / "policy.onnx"
    again = install() if checkout() is None else f"git checkout -- {folder}"
    if not path.is_file():
        return Check(name, FAILED, f"no {path.name} in {folder}", again)
    try:
        from swarm.tune.onnx_file import onnx_runtime

        session = onnx_runtime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
        inputs = ", ".join(value.name for value in session.get_inputs())
    except Exception as error:  # onnxruntime's own exceptions share no base class
        return Check(name, FAILED, str(error).splitlines()[0], f"{again}; or {install()}")
    return Check(name, OK, f"{path.stat().st_size / 1024:.0f} KiB, inputs {inputs}")


def shipped() -> Iterator[Path]:
    """Folders of the policies that come with installed packages."""
    for entry in importlib.metadata.entry_points(group="swarm.checkpoints"):
        for folder in sorted(Path(entry.load()).glob("*")):
            if folder.is_dir() and not all(path.is_dir() for path in folder.iterdir()):  # Not a folder of folders.
                yield folder


def check_checkpoints(folders: list[Path] | None = None) -> Iterator[Check]:
    """One check for each shipped policy."""
    folders = list(shipped()) if folders is None else folders
    none = [Check("checkpoints", SKIPPED, "no installed package brings any", install())]
    yield from map(check_checkpoint, folders) if folders else none


def check_video() -> Check:
    """Videos can be written."""
    if installed_version("imageio-ffmpeg") is None:
        return Check("ffmpeg", SKIPPED, "imageio-ffmpeg is not installed", install("sim"))
    status, output = run_python(
        "import imageio_ffmpeg as f, subprocess; e = f.get_ffmpeg_exe(); "
        "subprocess.run([e, '-version'], check=True, stdout=subprocess.DEVNULL); print(e)"
    )
    fix = "" if status == 0 else "pip install --force-reinstall imageio-ffmpeg"
    return Check("ffmpeg", FAILED if fix else OK, last_line(output), fix)


def run_python(code: str, seconds: float = 60.0) -> tuple[int, str]:
    """Exit status and output of ``code`` in an interpreter of its own, which may crash."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {seconds:.0f} s"
    return done.returncode, done.stdout + done.stderr


def last_line(output: str) -> str:
    """The last line that says something: of a traceback, the error itself."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no output (the interpreter crashed)"


def diagnose() -> list[Check]:
    """Run every check."""
    singles = (check_import, check_numba_cache, check_bullet, check_video)
    return [check_python(), *check_all_packages(), *(check() for check in singles), *check_checkpoints()]


def show(checks: list[Check]) -> None:
    """Print the report as a table."""
    try:
        from rich import console, table
    except ImportError:
        for check in checks:
            fix = f"  [fix: {check.fix}]" * bool(check.fix)
            print(f"{check.status:8} {check.name:24} {check.detail}{fix}")
        return
    shown = table.Table("check", "status", "found", "fix")
    colours = {OK: "green", SKIPPED: "yellow", FAILED: "bold red"}
    for check in checks:
        status = f"[{colours[check.status]}]{check.status}[/]"
        shown.add_row(check.name, status, check.detail, check.fix.replace("[", r"\["))
    console.Console().print(shown)


def main() -> int:
    """Show the report; 1 if anything failed."""
    style = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=style).parse_args()
    try:
        checks = diagnose()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130  # as a shell says it
    show(checks)
    failed = ", ".join(check.name for check in checks if check.status == FAILED)
    print(f"Not ready: {failed}." if failed else "Ready.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
