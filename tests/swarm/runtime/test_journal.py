"""What a killed process knew is found again, or refused with a line; whatever was written, nothing else is believed."""

import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.loopback import journal_of

from swarm.errors import InputError
from swarm.runtime import journal as module
from swarm.runtime.fleet_file.braking import REASONS
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.journal import Memory, default_folder
from swarm.runtime.link.estop import EmergencyStop
from swarm.sense.intent import MAX_HELD

SCENARIO = """
environment: {min: [0, 0], max: [8, 8]}
robots:
  - {type: unicycle_first_order_0_sphere, start: [1, 4, 0], goal: [7, 4, 0]}
  - {type: unicycle_first_order_0_sphere, start: [7, 4, 0], goal: [1, 4, 0]}
"""
FLEET = """
fleet: test
scenario: two.yaml
planner: roadmap
controller: fixed:4,1
margin: 0.0
driver: replay
recording: none.csv
endpoints: 18000
journal: state
"""
KNOWN = Memory(3, (4, 5, 6), EmergencyStop(True, 7))


def fleet_in(folder):
    (folder / "two.yaml").write_text(SCENARIO)
    (folder / "fleet.yaml").write_text(FLEET)
    return load_fleet(folder / "fleet.yaml")


@pytest.fixture
def fleet(tmp_path):
    return fleet_in(tmp_path)


def write(fleet, *memories):
    journal = journal_of(fleet, 0)
    for memory in memories:
        assert journal.keep(memory)
    journal.close()
    return journal


memories = st.builds(
    Memory, st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**31 - 1), max_size=MAX_HELD).map(tuple),
    st.none() | st.builds(EmergencyStop, st.booleans(), st.integers(0, 2**64 - 1)),
    doubted=st.frozensets(st.integers(0, module._ROBOTS - 1), max_size=module._DOUBTED),
    latched=st.sampled_from(["", *REASONS]),
)  # fmt: skip


@settings(max_examples=30)
@given(st.lists(memories, min_size=1, max_size=5))
def test_the_last_that_was_written_is_found(tmp_path_factory, told):
    fleet = fleet_in(tmp_path_factory.mktemp("journal"))
    journal = journal_of(fleet, 0)
    assert journal.found == Memory() and not journal.problem
    for memory in told:
        journal.keep(memory)
        assert not journal.keep(memory)  # nothing changed
    journal.close()
    again = journal_of(fleet, 0)
    assert again.found == told[-1] and not again.problem and again.incarnation > journal.incarnation
    again.close()


def test_what_older_versions_wrote_and_read_stays_the_same(fleet):
    """They end a slot with the robots that were heard, and zeros."""
    known, end = (
        replace(KNOWN, doubted=frozenset(range(100)), latched=REASONS[-1]),
        module._HEAD.size + module._BODY.size,
    )
    journal = write(fleet, known)
    data = journal.path.read_bytes()
    older = b"".join(data[at : at + end].ljust(module._SLOT, b"\0") for at in (0, module._SLOT))
    assert max(module._slots(data), key=lambda slot: slot.serial).memory.doubted == set(range(module._DOUBTED))
    journal.path.write_bytes(older)
    again = journal_of(fleet, 0)
    assert again.found == KNOWN and not again.problem
    again.close()


def test_incarnations_grow_though_the_clock_went_back(fleet, monkeypatch):
    seen = []
    for now in (5e8, 1e9, 4e8, 4e8, 2e9):
        monkeypatch.setattr(module.time, "time", lambda now=now: now)
        seen.append(write(fleet).incarnation)
    assert seen == sorted(set(seen)) and seen[1] == 10**9 and seen[-1] == 2 * 10**9


@settings(max_examples=60)
@given(st.integers(0, module._SLOT))
def test_a_write_that_was_cut_short_leaves_what_was_before(tmp_path_factory, cut):
    fleet = fleet_in(tmp_path_factory.mktemp("journal"))
    journal, before = journal_of(fleet, 0), Memory(1, (1, 2))
    journal.keep(before)
    old = journal.path.read_bytes().ljust(2 * module._SLOT, b"\0")
    journal.keep(KNOWN)
    new = journal.path.read_bytes().ljust(2 * module._SLOT, b"\0")
    journal.close()
    at = next(k for k in (0, module._SLOT) if old[k : k + module._SLOT] != new[k : k + module._SLOT])
    journal.path.write_bytes(old[:at] + new[at : at + cut] + old[at + cut :])
    again = journal_of(fleet, 0)
    assert not again.problem
    # Bytes of the end may be as they were: then the write was whole before it was over.
    assert again.found == KNOWN or (again.found == before and cut < module._HEAD.size + module._BODY.size)
    assert again.found == before or cut > module._HEAD.size
    again.close()


@settings(max_examples=60)
@given(st.binary(max_size=1100))
def test_arbitrary_bytes_are_no_journal(tmp_path_factory, data):
    fleet = fleet_in(tmp_path_factory.mktemp("journal"))
    path = write(fleet, KNOWN).path
    path.write_bytes(data)
    journal = journal_of(fleet, 0)
    assert journal.found == Memory() and (journal.problem or not data.strip(b"\0"))
    assert journal.keep(KNOWN)
    journal.close()
    assert journal_of(fleet, 0).found == KNOWN


def test_newer_versions_and_those_of_others_are_refused(fleet, tmp_path):
    journal = write(fleet, KNOWN)
    data = bytearray(journal.path.read_bytes())
    data[module._SLOT + 4] = 2  # the version in one of the slots
    journal.path.write_bytes(data)
    newer = journal_of(fleet, 0)
    assert newer.found == Memory() and "version" in newer.problem
    newer.keep(KNOWN)
    newer.close()
    moved = journal.path.with_name("test-1.journal")
    os.rename(journal.path, moved)
    other = journal_of(fleet, 1)
    assert other.found == Memory() and "another fleet or robot" in other.problem
    other.close()
    assert not journal_of(fleet, 1).problem  # it is this one's now


def test_with_another_map_only_the_emergency_stop_is_kept(fleet, tmp_path):
    first = write(fleet, KNOWN)
    (tmp_path / "two.yaml").write_text(SCENARIO.replace("max: [8, 8]", "max: [8, 9]"))
    journal = journal_of(load_fleet(tmp_path / "fleet.yaml"), 0)
    assert journal.found == Memory(stop=KNOWN.stop) and "another map" in journal.problem
    assert journal.incarnation > first.incarnation


def test_cells_do_not_count_once_the_machine_was_started_anew(fleet, monkeypatch):
    write(fleet, KNOWN)
    monkeypatch.setattr(module, "_boot", lambda: b"another start...")
    journal = journal_of(fleet, 0)
    assert journal.found == replace(KNOWN, held=()) and not journal.problem


@contextmanager
def another_process(fleet):
    """It holds the journal of robot 0, until it is killed at the end."""
    program = (
        "import sys, time\n"
        "from swarm.runtime.fleet_file.read import load_fleet\nfrom swarm.runtime.journal import Journal\n"
        "from swarm.runtime.link.handshake import map_digest\nfleet = load_fleet(sys.argv[1])\n"
        "journal = Journal(fleet.name, 0, map_digest(fleet.scenario.world), fleet.journal, fleet.path)\n"
        "print('open', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, fleet.path], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "open\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def test_a_robot_has_one_process(fleet):
    with another_process(fleet) as child:
        with pytest.raises(InputError, match="no running process"):
            journal_of(fleet, 0)
        journal_of(fleet, 1).close()
        child.kill()
        journal = journal_of(fleet, 0)  # while it is dying
    assert not journal.problem


def test_a_standby_waits_until_the_other_dies_and_knows_what_it_knew(fleet, tmp_path):
    write(fleet, KNOWN)
    with another_process(fleet) as child, ThreadPoolExecutor(1) as pool:
        standby = pool.submit(journal_of, fleet, 0, patience=math.inf)
        with pytest.raises(TimeoutError):
            standby.result(1.0)
        child.kill()
        journal = standby.result(10.0)
    assert journal.found == KNOWN and not journal.problem
    journal.close()
    (tmp_path / "state").rename(tmp_path / "elsewhere")
    (tmp_path / "state").write_text("a file")
    with pytest.raises(InputError, match="can be locked"):
        journal_of(fleet, 0, patience=math.inf)


def test_a_place_that_cannot_be_written_is_no_reason_not_to_drive(fleet, tmp_path):
    (tmp_path / "state").write_text("a file")
    journal = journal_of(fleet, 0)
    assert journal.problem and not journal.keep(KNOWN) and journal.found == Memory()
    os.remove(tmp_path / "state")
    (tmp_path / "state").mkdir()
    os.mkfifo(tmp_path / "state" / "test-0.journal")
    assert "regular" in journal_of(fleet, 0).problem


def test_what_can_no_longer_be_written_is_not_believed_later(fleet, monkeypatch):
    journal = journal_of(fleet, 0)
    journal.keep(KNOWN)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "pwrite", full)
        journal.keep(replace(KNOWN, held=(6, 7)))
    assert "No space" in journal.problem and not journal.keep(KNOWN)
    with pytest.raises(InputError, match="no running process"):
        journal_of(fleet, 0)
    journal.close()
    assert journal_of(fleet, 0).found == Memory()


@pytest.mark.parametrize("slots", [0, 1, 2])
def test_what_can_be_written_again_is_remembered_again(fleet, monkeypatch, slots):
    """A disk that was full for a while, also since before the start; whichever slot is next."""
    now, full, pwrite = [100.0], [slots == 0], os.pwrite

    def write(*arguments):
        if full[0]:
            raise OSError(28, "No space left on device")
        return pwrite(*arguments)

    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module.os, "pwrite", write)
    journal = journal_of(fleet, 0)
    for k in range(slots):
        journal.keep(Memory(k + 1))
    full[0] = True
    journal.keep(KNOWN)
    assert "No space" in journal.problem and not journal.path.read_bytes()
    now[0] += module.RETRY
    assert journal.keep(KNOWN) and "No space" in journal.problem  # still full
    full[0], later = False, replace(KNOWN, goal=9)
    now[0] += module.RETRY - 0.1
    assert not journal.keep(later) and not journal.path.read_bytes()
    now[0] += 0.2
    assert journal.keep(later) and not journal.problem and not journal.keep(later)
    journal.close()
    assert not journal.keep(KNOWN)
    assert journal_of(fleet, 0).found == later


def test_fleets_of_one_name_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    folders = {default_folder("test", tmp_path / folder / "fleet.yaml") for folder in ("one", "other")}
    assert len(folders) == 2 and all(folder.is_relative_to(tmp_path / "home" / "swarm") for folder in folders)
