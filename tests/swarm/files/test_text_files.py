"""A file appears whole or not at all, also where the disk has no room for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from swarm.errors import InputError
from swarm.files.text_files import atomic_path, check_place, make_folder, prepare, write_text

# No file of this process may be larger than 1 kB: the system refuses to write more.
LIMITED = """
import resource, signal, sys
from swarm.errors import InputError
from swarm.files.text_files import write_text
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_text(sys.argv[1], "short")
try:
    write_text(sys.argv[1], "x" * 100_000)
except InputError as error:
    print(error)
"""


def test_no_room_for_a_file_is_one_clear_error_and_the_old_content_stays(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout and "File too large" in done.stdout and "room" in done.stdout
    assert path.read_text() == "short" and list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_is_known_before(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for wrong in (tmp_path, file / "a", file / "a" / "b"):
        with pytest.raises(InputError, match=r"a folder|is no folder"):
            prepare(wrong)
    with pytest.raises(InputError, match=r"file: got '.*file is no folder'"):
        check_place(file, is_folder=True)
    with pytest.raises(InputError, match="where one can be made"):
        make_folder(file / "a")
    check_place(tmp_path / "new" / "a")
    check_place(tmp_path / "new", is_folder=True)
    assert not (tmp_path / "new").exists()
    prepare(tmp_path / "new" / "a")
    assert (tmp_path / "new").is_dir()


def test_a_name_that_no_file_can_have_is_one_clear_error_before_anything_is_done(tmp_path: Path) -> None:
    long = tmp_path / ("n" * 300)
    for wrong, is_folder in ((long, False), (long, True), (tmp_path / ("n" * 250), False), (tmp_path / "a\0b", False)):
        with pytest.raises(InputError, match=r"File name too long|null byte"):
            check_place(wrong, is_folder=is_folder)
    assert list(tmp_path.iterdir()) == []


def test_other_errors_pass_and_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), atomic_path(tmp_path / "a"):
        raise ConnectionError("of somebody else")
    with pytest.raises(InputError, match="a folder"):
        write_text(tmp_path, "text")
    assert list(tmp_path.iterdir()) == []
