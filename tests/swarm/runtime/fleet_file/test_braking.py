"""What is done about each reason not to move, as a fleet file says it; what would break the guarantee is refused."""

from typing import Any

import pytest
from oracles.project import ROOT

from swarm.errors import InputError
from swarm.files.yaml_input import parse_yaml
from swarm.runtime.fleet_file.braking import (
    BRAKE,
    DEFAULT,
    DRIVER,
    EMERGENCY,
    HOLD,
    LATCH,
    LATE_NEWS,
    REASONS,
    TELL,
    WAITS,
    Action,
    describe,
    read_braking,
)


def read(text: str) -> Any:
    return read_braking(parse_yaml(text, "fleet.yaml"))


def test_what_is_not_named_is_done_as_before() -> None:
    assert read("{}") == DEFAULT and describe(DEFAULT) == ""
    others = set(REASONS) - {EMERGENCY, LATE_NEWS}
    assert DEFAULT[EMERGENCY] == Action(LATCH) and DEFAULT[LATE_NEWS] == Action(TELL)
    assert {DEFAULT[reason] for reason in others} == {Action(BRAKE)} and len(others) == len(REASONS) - 2


def test_each_reason_has_its_action() -> None:
    found = read("own state jumped: latch\nwaits: {hold: 0.3}\noverrun: brake\nnews older than declared: {hold: 1}\n")
    changed = {"own state jumped": Action(LATCH), WAITS: Action(HOLD, 0.3), LATE_NEWS: Action(HOLD, 1.0)}
    assert found == {**DEFAULT, **changed}
    assert describe(found) == "own state jumped: latch, waits: hold 0.3 s, news older than declared: hold 1 s"


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason not in (WAITS, LATE_NEWS)])
def test_a_command_is_held_only_where_the_filter_knows_all_that_it_needs(reason: str) -> None:
    with pytest.raises(InputError, match=rf"fleet.yaml:1: {reason}.*the keys hold.*valid: .*: ") as caught:
        read(f"{reason}: {{hold: 0.1}}\n")
    assert "SECONDS" not in str(caught.value)


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason not in (EMERGENCY, LATE_NEWS)])
def test_only_old_news_are_driven_on_with(reason: str) -> None:
    with pytest.raises(InputError, match="discs make up"):
        read(f"{reason}: tell\n")


@pytest.mark.parametrize(
    ("text", "place", "valid"),
    [
        ("waits: {hold: 0}", "yaml:1: waits.hold", "above 0 and at most 1 s"),
        ("waits: {hold: 1.5}", "yaml:1: waits.hold", "at most 1 s"),
        ("waits: {keep: 1}", "yaml:1: waits.keep", "hold"),
        ("waits: hold", "yaml:1: waits", "brake or latch or {hold: SECONDS}"),
        ("waits: [brake]", "yaml:1: waits", "brake or latch or {hold: SECONDS}"),
        ("bad weather: brake", "yaml:1: bad weather", DRIVER),
        ("emergency stop: brake", "yaml:1: emergency stop", "only an operator"),
        ("emergency stop: {hold: 0.1}", "yaml:1: emergency stop", "latch: only an operator"),
        ("own state from before the stop: latch", "yaml:1: own state from before the stop", "brake: it follows"),
        ("news older than declared: go", "yaml:1: news older", "brake or latch or tell or {hold: SECONDS}"),
        ("[latch]", "yaml", "a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, place: str, valid: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text + "\n")
    assert place in str(caught.value) and valid in str(caught.value), caught.value


def test_the_page_for_integrators_names_every_reason() -> None:
    text = (ROOT / "docs" / "ros2.md").read_text()
    assert [reason for reason in REASONS if f"`{reason}`" not in text] == []
