"""Logs: complete, bounded, never in the loop's way, and readable whatever happens to their writer."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from oracles.logged import Pair, make_fleet
from oracles.project import ROOT

from swarm.errors import InputError
from swarm.explanation import explain, sentence
from swarm.runtime.control import Period
from swarm.runtime.log import writer as log_module
from swarm.runtime.log.messages import Entry, words
from swarm.runtime.log.reader import open_logs
from swarm.runtime.log.schemas import SCHEMAS
from swarm.runtime.log.writer import PeriodLog


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(make_fleet(tmp_path))


def write(pair: Pair, folder: Path, periods: int, **options: object) -> list[Period]:
    """Log robot 0."""
    found = [pair.tick()[0] for _ in range(periods)]
    with PeriodLog(folder, pair.fleet.name, pair.fleet.scenario, 0, 1, clock=lambda: pair.time, **options) as log:  # type: ignore[arg-type]
        for period in found:
            log.add(pair.controls[0], period)  # type: ignore[arg-type]
    assert log.dropped == 0 and log.error == ""
    return found


def read(path: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Schema and data of the messages of each topic, by the library's own reader."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True)
        assert reader.get_summary() is not None
        for schema, channel, message in reader.iter_messages():
            assert schema is not None and (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            assert json.loads(schema.data) == SCHEMAS[schema.name]
            found.setdefault(channel.topic, []).append((schema.name, message.data))
    return found


def matches(value: object, schema: dict, where: str = "") -> None:
    """Whether a value is what a JSON schema says: no field that it does not name, and the right types."""
    if "oneOf" in schema:
        assert value in [one["const"] for one in schema["oneOf"]], where
    elif schema["type"] == "object":
        assert isinstance(value, dict) and set(value) <= set(schema["properties"]), where
        for name, one in value.items():
            matches(one, schema["properties"][name], f"{where}.{name}")
    elif schema["type"] == "array":
        assert isinstance(value, list), where
        for one in value:
            matches(one, schema["items"], f"{where}[]")
    else:
        kinds: dict[str, Any] = {"number": (int, float), "integer": int, "string": str, "boolean": bool}
        assert isinstance(value, kinds[schema["type"]]), where
        assert isinstance(value, bool) == (schema["type"] == "boolean"), where


def test_every_period_is_logged_with_everything(pair: Pair, tmp_path: Path) -> None:
    periods = write(pair, tmp_path / "logs", 60)
    (path,) = (tmp_path / "logs").iterdir()
    found = read(path)
    assert {topic: len(messages) for topic, messages in found.items()} == {
        "/robot/0/world": 1, "/robot/0/map": 1, "/robot/0/period": 60, "/robot/0/pose": 15, "/robot/0/scene": 15,
        "/robot/0/log": len(found["/robot/0/log"]),
    }  # fmt: skip
    for messages in found.values():
        for name, data in messages:
            matches(json.loads(data, parse_constant=pytest.fail), SCHEMAS[name], name)
    overrides = set()
    for period, (_, data) in zip(periods, found["/robot/0/period"], strict=True):
        told, command = json.loads(data), period.command
        assert command is not None and period.view is not None and period.reading is not None
        assert list(told["state"].values()) == pytest.approx(period.reading.state, abs=1e-4)
        assert told["control"] == pytest.approx(command.control, abs=1e-5) and told["sent"] == told["control"]
        assert list(told["tunables"].values()) == pytest.approx(command.tunables, abs=1e-4)
        assert list(told["waypoint"].values()) == pytest.approx(command.plan.waypoint, abs=1e-4)
        assert list(told["goal"].values()) == [7.0, 4.0]
        assert (told["time"], told["tick"], told["reason"]) == (pytest.approx(period.time), 7, "moving")
        other = period.view.neighbours[0]
        assert list(told["believed"][0].values()) == pytest.approx([1, *other[[0, 1, 4]]], abs=1e-3)
        assert told["heard"][0]["id"] == 1 and told["heard"][0]["age"] == 0.031
        override = explain(pair.robots[0], period.view, command)
        assert ("override" in told) == (override is not None)
        if override is not None:
            assert told["override"]["sentence"] == sentence(override)
            overrides.add(override.barrier)
            assert told["nominal"] != told["control"]
    assert "robot" in overrides
    said = [json.loads(data)["message"] for _, data in found["/robot/0/log"]]
    assert said[0] == "moving" and any("by robot 1" in text for text in said)


def test_a_robot_without_state_logs_what_there_is(pair: Pair, tmp_path: Path) -> None:
    with PeriodLog(tmp_path / "logs", pair.fleet.name, pair.fleet.scenario, 0, 1) as log:
        for _ in range(4):
            log.add(pair.controls[0], Period(time.monotonic(), "no own state"))  # type: ignore[arg-type]
    (path,) = (tmp_path / "logs").iterdir()
    found = read(path)
    told = json.loads(found["/robot/0/period"][0][1])
    assert told["reason"] == "no own state" and "state" not in told and told["robot"] == 0


def test_foxglove_takes_the_messages(pair: Pair, tmp_path: Path) -> None:
    """Each message is parsed by the types that Foxglove's own library ships, every name and type of it."""
    messages = pytest.importorskip("foxglove.messages")
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

    write(pair, tmp_path / "logs", 40)
    (path,) = (tmp_path / "logs").iterdir()
    found, seen = read(path), set()
    for topic_messages in found.values():
        for name, data in topic_messages:
            if name.startswith("foxglove."):
                schema = getattr(messages, name.removeprefix("foxglove.")).get_schema()
                files = descriptor_pb2.FileDescriptorSet.FromString(schema.data)
                pool = descriptor_pool.DescriptorPool()
                for file in files.file:
                    pool.Add(file)
                kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
                json_format.Parse(with_protobuf_times(data), kind())
                has_every_field(json.loads(data), kind.DESCRIPTOR)
                seen.add(name)
    assert seen == {"foxglove.SceneUpdate", "foxglove.PoseInFrame", "foxglove.Log"}
    (entity,) = json.loads(found["/robot/0/map"][0][1])["entities"]
    assert len(entity["cubes"]) == 1 and len(entity["cylinders"]) == 1 and len(entity["lines"]) == 1
    assert entity["cubes"][0]["size"]["x"] == 2.0 and entity["cylinders"][0]["size"]["x"] == 1.0


def has_every_field(value: dict, kind: Any) -> None:
    """Foxglove's JSON schemas require every field."""
    if kind.full_name.startswith("google."):
        return
    assert set(value) == {field.name for field in kind.fields}, kind.full_name
    for field in kind.fields:
        if field.message_type is not None:
            inner = value[field.name]
            for one in inner if isinstance(inner, list) else [inner]:
                has_every_field(one, field.message_type)


def with_protobuf_times(data: bytes) -> str:
    """Foxglove writes times in JSON as sec and nsec, protobuf as text."""
    text = re.sub(r'"lifetime":\{"sec":(\d+),"nsec":0\}', r'"lifetime":"\1s"', data.decode())
    return re.sub(r'"timestamp":\{"sec":\d+,"nsec":\d+\}', '"timestamp":"2026-01-01T00:00:00Z"', text)


def test_the_schemas_are_what_foxglove_can_read() -> None:
    """Its reader wants properties of every object, and knows no unions, nulls or arrays of arrays."""

    def walk(schema: dict) -> None:
        if "oneOf" in schema:
            assert all(isinstance(one["const"], int) and one["title"] for one in schema["oneOf"])
        elif schema["type"] == "object":
            for one in schema["properties"].values():
                walk(one)
        elif schema["type"] == "array":
            assert schema["items"]["type"] != "array"
            walk(schema["items"])
        else:
            assert schema["type"] in ("number", "integer", "string", "boolean")

    for name, schema in SCHEMAS.items():
        assert schema["title"] == name
        walk(schema)


def test_a_log_is_read_up_to_where_its_process_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("log_child.py")), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    told = []
    for line in child.stdout:
        told.append(int(line))
        if told[-1] - told[0] > 2.3e6:
            break
    child.kill()  # SIGKILL
    told += [int(line) for line in child.stdout]
    child.wait(10)
    child.stdout.close()
    logs = open_logs(tmp_path / "logs")
    assert not logs.files[0].complete
    found = [round(1e6 * period["time"]) for _, period in logs.periods(logs.start, logs.end)[0]]
    assert found == pytest.approx(told[: len(found)], abs=2)
    lost = (told[-1] - found[-1]) / 1e6
    assert lost < log_module.FLUSH_EVERY + 0.5, f"{lost:.2f} s lost"


def test_old_files_make_room_and_nobody_elses(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "FLUSH_EVERY", 0.01)
    folder = tmp_path / "logs"
    folder.mkdir()
    others = ["notes.txt", "pair-robot001-20200101T000000000.mcap", "mypair-robot000-20200101T000000000.mcap"]
    for name in others:
        (folder / name).write_bytes(b"x" * 50_000)
    (folder / "pair-robot000-20200101T000000000.mcap").write_bytes(b"x" * 100_000)  # of an earlier process
    for round_ in range(3):
        with PeriodLog(
            folder, pair.fleet.name, pair.fleet.scenario, 0, round_, file_bytes=30_000, kept=3, clock=lambda: pair.time
        ) as log:
            for _ in range(60):
                log.add(pair.controls[0], pair.tick()[0])  # type: ignore[arg-type]
                time.sleep(0.001)
        assert log.error == "" and log.dropped == 0
    names = sorted(path.name for path in folder.iterdir())
    assert set(others) <= set(names)
    own = [name for name in names if name.startswith("pair-robot000")]
    assert "pair-robot000-20200101T000000000.mcap" not in own
    assert len(own) > 1 and sum((folder / name).stat().st_size for name in own) < 3 * 30_000 + 30_000
    for name in others[1:]:
        (folder / name).unlink()
    logs = open_logs(folder)
    stamps = [stamp for stamp, _ in logs.periods(logs.start, logs.end)[0]]
    assert all(file.complete for file in logs.files) and stamps == sorted(set(stamps))
    kept = read(folder / own[-1])
    assert set(kept) >= {"/robot/0/world", "/robot/0/map", "/robot/0/period"}


def test_a_writer_that_hangs_costs_periods_but_no_time(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    period, gate = pair.tick()[0], threading.Event()
    take = PeriodLog._take
    monkeypatch.setattr(PeriodLog, "_take", lambda self, entry: (gate.wait(10), take(self, entry))[1])
    with PeriodLog(tmp_path / "logs", pair.fleet.name, pair.fleet.scenario, 0, 1) as log:
        for _ in range(300):
            log.add(pair.controls[0], period)  # type: ignore[arg-type]
        assert 90 <= log.dropped <= 100 and not gate.is_set()
        assert log.note().startswith("log: the disk does not keep up: ") and f" {log.dropped} records" in log.note()
        gate.set()
        deadline = time.monotonic() + 5.0
        while not log._queue.empty() and time.monotonic() < deadline:
            time.sleep(0.01)
        log.add(pair.controls[0], period)  # type: ignore[arg-type]
    logs = open_logs(tmp_path / "logs")
    last = logs.periods(logs.start, logs.end)[0][-1][1]
    assert last["dropped"] == log.dropped


def test_a_folder_that_cannot_be_made(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder"):
        PeriodLog(tmp_path / "file" / "logs", pair.fleet.name, pair.fleet.scenario, 0, 1)
    with pytest.raises(InputError, match="1 file"):
        PeriodLog(tmp_path, pair.fleet.name, pair.fleet.scenario, 0, 1, kept=0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A log of several chunks."""
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_module, "FLUSH_EVERY", 0.005)
        pair = Pair(make_fleet(folder))
        with PeriodLog(folder / "logs", pair.fleet.name, pair.fleet.scenario, 0, 1, clock=lambda: pair.time) as log:
            for _ in range(25):
                log.add(pair.controls[0], pair.tick()[0])  # type: ignore[arg-type]
                time.sleep(0.002)
    (path,) = (folder / "logs").iterdir()
    return path.read_bytes()


@given(share=st.floats(0.0, 1.0), flips=st.lists(st.tuples(st.floats(0.0, 0.999), st.integers(1, 255)), max_size=3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_or_damaged_log_is_read_as_far_as_it_goes_or_refused(
    written: bytes, tmp_path: Path, share: float, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(written[: math.ceil(share * len(written))])
    for where, bits in flips:
        if data:
            data[int(where * len(data))] ^= bits
    (tmp_path / "cut.mcap").write_bytes(data)
    try:
        logs = open_logs(tmp_path / "cut.mcap")
        found = logs.periods(logs.start, logs.end)
    except InputError as error:
        assert "cut.mcap" in str(error)
        return
    if not flips:
        times = [period["time"] for _, period in found[0]]
        assert times == pytest.approx(100.0 + 0.05 * np.arange(len(times)))
        assert logs.files[0].complete == (share == 1.0 or len(data) == len(written))


def test_a_damaged_length_asks_for_no_memory(written: bytes, tmp_path: Path) -> None:
    """As a flipped bit makes it: a terabyte is to be read, or to be unpacked."""
    path, begin = tmp_path / "cut.mcap", written.index(b"zstd")
    length = slice(begin + 4, begin + 12)
    packed = written[length.stop :][: int.from_bytes(written[length], "little")]
    path.write_bytes(written[: length.start] + (1 << 40).to_bytes(8, "little") + written[length.stop :])
    assert not open_logs(path).files[0].complete
    frame = packed[:4] + b"\xe0" + (1 << 40).to_bytes(8, "little")  # magic number, 8 bytes of size, size
    path.write_bytes(written.replace(packed, frame + packed[len(frame) :]))
    with pytest.raises(InputError, match=f"a chunk of {1 << 40} bytes"):
        open_logs(path)
    path.write_bytes(written.replace(b"zstd", b"\x00lz4", 1).replace(b"\x04\0\0\0\x00lz4", b"\x03\0\0\0lz4", 1))
    with pytest.raises(InputError, match="lz4"):
        open_logs(path)


def test_what_one_line_says(pair: Pair) -> None:
    period = Period(0.0, "emergency stop")
    assert words(Entry(period, 1, 0, None, None, [], 0)) == "emergency stop"
