"""Which format a file has, by its content; by its suffix only if the content says nothing.

One place for all formats that this project reads, also those whose readers stand in rooms above: what to do with a file
is then a look-up. No file is read whole for this.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from pathlib import Path

from swarm.errors import InputError
from swarm.files.text_files import MEBIBYTE, check_file, decode

LARGEST = 256 * MEBIBYTE
_HEAD = MEBIBYTE
_KEY = re.compile(r"""^(?:"([^"]+)"|'([^']+)'|(\w[^\s:#]*))\s*:(?=\s|$)""", re.MULTILINE)
_POGEMA = {"num_agents", "on_target", "obs_radius", "observation_type", "collision_system", "max_episode_steps"}
"""Keys of POGEMA's configurations, which may lack starts and goals."""
# A member of JSON, or of YAML in one line.
_MEMBER = re.compile(r'"([A-Za-z_]+)"\s*:|[{,]\s*([A-Za-z_]+)\s*:')


class Format(enum.Enum):
    """A format; its value is what it is called in messages."""

    SCENARIO = "a scenario (YAML of db-CBS and dynobench)"
    FLEET = "a fleet file (YAML)"
    MOVINGAI_MAP = "a MovingAI map (.map)"
    MOVINGAI_SCEN = "MovingAI scenarios (.scen)"
    NAV2_MAP = "a map of Nav2 (YAML beside an image)"
    IMAGE = "the image of a map (PGM, PNG or BMP)"
    INSTANCES = "lifelong instances (JSON lines)"
    POGEMA_MAPS = "a list of POGEMA's maps (YAML)"
    POGEMA_SCENARIOS = "a list of POGEMA's scenarios (YAML)"
    LEAGUE_PROBLEM = "a problem of the League of Robot Runners (JSON)"
    LEAGUE_LIST = "agents or tasks of the League of Robot Runners, which its problem (JSON) names"
    LEAGUE_RESULT = "a result of the League of Robot Runners (JSON)"
    SOLUTION = "a solution of db-CBS and dynobench (YAML)"


_SUFFIXES = {
    ".map": Format.MOVINGAI_MAP, ".scen": Format.MOVINGAI_SCEN, ".jsonl": Format.INSTANCES, ".pgm": Format.IMAGE,
    ".png": Format.IMAGE, ".bmp": Format.IMAGE, ".yaml": Format.SCENARIO, ".yml": Format.SCENARIO,
    ".json": Format.LEAGUE_PROBLEM, ".agents": Format.LEAGUE_LIST, ".tasks": Format.LEAGUE_LIST,
}  # fmt: skip


def recognise(path: str | Path, wanted: Sequence[Format]) -> Format:
    """The format of a file, one of those that are wanted.

    Args:
        path: The file.
        wanted: What the caller reads; the error for any other file names them.

    Raises:
        InputError: If there is no such file, or it has none of these formats.
    """
    path = Path(path)
    check_file(path, LARGEST)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error), "an existing, readable file") from None
    found = format_of(head)
    by_name = _SUFFIXES.get(path.suffix.lower())
    if found is None and (by_name in wanted or by_name is Format.LEAGUE_LIST):
        # Its reader knows best what is wrong with it.
        found = by_name
    if found is None or found not in wanted:
        shown = "a file of no known format" if found is None else found.value
        raise InputError(str(path), shown, " or ".join(form.value for form in wanted))
    return found


def format_of(head: bytes) -> Format | None:
    """The format of a file that begins so, None if it is no known one."""
    if head.startswith((b"\x89PNG", b"P5", b"P2")) or is_bmp(head):
        return Format.IMAGE
    try:
        text = decode("", head)
    except InputError:
        # The last letter may be cut; a file that is no text at all has no words before its first strange byte.
        text = head[: len(head) - 4].decode("utf-8-sig", errors="ignore")
    words = text.lower().split(None, 2)[:2]
    if words[:1] == ["type"] or (words[:1] in (["height"], ["width"]) and words[1:] and words[1].isdecimal()):
        return Format.MOVINGAI_MAP
    if words[:1] == ["version"]:
        return Format.MOVINGAI_SCEN
    if text.lstrip().startswith("{"):
        return _of_keys({"".join(groups) for groups in _MEMBER.findall(text)})
    keys = ["".join(groups) for groups in _KEY.findall(text)]
    return _of_keys(set(keys)) or (Format.POGEMA_MAPS if _is_map_list(text, keys) else None)


def _of_keys(keys: set[str]) -> Format | None:
    """The format of a mapping with these keys (where they stand in one line: at any depth)."""
    if keys & {"mapFile", "agentFile", "taskFile"}:
        return Format.LEAGUE_PROBLEM
    if {"actionModel", "actualPaths"} <= keys:
        return Format.LEAGUE_RESULT
    if keys & {"suite", "rows", "counts"}:
        return Format.INSTANCES
    if keys & {"image", "resolution"}:
        return Format.NAV2_MAP
    if keys & {"driver", "endpoints", "deliveries"}:
        return Format.FLEET
    if keys & {"scenarios", "algorithms", "agents_xy", "targets_xy", *_POGEMA}:
        return Format.POGEMA_SCENARIOS
    if keys & {"environment", "robots"}:
        return Format.SCENARIO
    return Format.SOLUTION if "result" in keys or {"states", "actions"} <= keys else None


def is_bmp(head: bytes) -> bool:
    """Whether a file that begins so is a bitmap of Windows: two letters, its size, and four bytes of 0."""
    return head.startswith(b"BM") and head[6:10] == bytes(4)


def _is_map_list(text: str, keys: list[str]) -> bool:
    """Whether every key begins a text (a block, in quotes, a list) drawn with dots or walls, or lists of 0 and 1."""
    blocks = re.findall(
        r"""^\S[^\n]*:\s*(?:(?:[|>][-+\d]*\s*\n\s+|["']|\[\s*["']?|-\s+["']?)[A-Za-z]*[.#!@$]|[-[]\s*[-[]\s*[01]\b)""",
        text, re.MULTILINE,
    )  # fmt: skip
    return bool(keys) and len(blocks) == len(keys)
