"""The time slice of a thread, asked for and read back from the kernel."""

import ctypes
import os
import platform
import struct
import sys
import threading

import pytest

from swarm.runtime.loop import SLICE, ask_for_short_slices

GET_ATTRIBUTES = {"x86_64": 315, "aarch64": 275}


def slice_of_this_thread():
    told = ctypes.create_string_buffer(56)
    assert ctypes.CDLL(None).syscall(GET_ATTRIBUTES[platform.machine()], 0, told, 56, 0) == 0
    _, policy, _, nice, _, runtime, *_ = struct.unpack("=IIQiIQQQII", told)
    return policy, nice, runtime


@pytest.mark.skipif(sys.platform != "linux" or platform.machine() not in GET_ATTRIBUTES, reason="Linux only")
def test_a_thread_gets_short_slices_and_no_other_does():
    found = []

    def ask():
        found.append((slice_of_this_thread(), ask_for_short_slices(), slice_of_this_thread()))

    before = slice_of_this_thread()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    (policy, nice, _), taken, after = found[0]
    assert taken and after[:2] == (policy, nice) and slice_of_this_thread() == before
    kernel = tuple(int(part) for part in platform.release().split(".")[:2])
    assert kernel < (6, 12) or after[2] == SLICE


def test_another_policy_is_kept(monkeypatch):
    monkeypatch.setattr(os, "sched_getscheduler", lambda thread: os.SCHED_BATCH)
    assert not ask_for_short_slices()


def test_an_unknown_machine_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    assert not ask_for_short_slices()
