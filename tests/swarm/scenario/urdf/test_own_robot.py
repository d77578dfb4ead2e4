"""Robots by URDF in scenario files: disc, wheels and limits from the file, one clear error for what does not fit."""

from __future__ import annotations

import itertools
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.scenario.scenario import Scenario, load_scenario
from swarm.scenario.urdf.body import planar_body, wheeled_body

WHEEL = '<sphere radius="0.1"/>'
SCENARIO = """\
environment: {{min: [0, 0], max: [6, 4]}}
robots:
  - {{type: {type}, urdf: robots/own.urdf, start: {start}, goal: [5, 2], {keys}}}
horizon: 20
"""
WHEELS = "wheels: {left: [l], right: [r]}"


def link(name: str, geometry: str = "", origin: str = "") -> str:
    collision = f"<collision><origin {origin}/><geometry>{geometry}</geometry></collision>" if geometry else ""
    inertia = '<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/>'
    return f'<link name="{name}"><inertial><mass value="1"/>{inertia}</inertial>{collision}</link>'


def joint(name: str, parent: str, child: str, xyz: str = "0 0 0", **more: str) -> str:
    kind, axis, rpy, limit = (more.get(key, usual) for key, usual in zip(
        ("kind", "axis", "rpy", "limit"), ("fixed", "0 1 0", "0 0 0", ""), strict=True))  # fmt: skip
    return (
        f'<joint name="{name}" type="{kind}"><parent link="{parent}"/><child link="{child}"/>'
        f'<origin xyz="{xyz}" rpy="{rpy}"/><axis xyz="{axis}"/>{limit}</joint>'
    )


def cart(folder: Path, *more: str, body: str = '<box size="0.4 0.2 0.1"/>', wheel: str = WHEEL, **wheels: Any) -> Path:
    """A cart with wheels at x = 0.1, half a metre apart, whose joints turn at most 5 rad/s."""
    usual = {"kind": "continuous", "limit": '<limit effort="9" velocity="5"/>'} | wheels
    parts = [link("base", body), link("lw", wheel), link("rw", wheel)]
    parts += [joint("l", "base", "lw", "0.1 0.25 0", **usual), joint("r", "base", "rw", "0.1 -0.25 0", **usual)]
    return written(folder, *parts, *more)


def written(folder: Path, *parts: str) -> Path:
    path = folder / "robots" / "own.urdf"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'<robot name="own">{"".join(parts)}</robot>')
    return path


def load(folder: Path, keys: str = WHEELS, kind: str = "unicycle", start: str = "[1, 2, 0]") -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO.format(type=kind, keys=keys, start=start))
    return load_scenario(path)


# Disc, wheels, limits.


def test_disc_and_limits_are_those_of_the_file(tmp_path: Path) -> None:
    cart(tmp_path)
    (robot,) = load(tmp_path).robots
    assert robot.urdf is not None and robot.kind == Kind.UNICYCLE
    # The box's rear corners are farthest from the axle, 0.1 m ahead of its middle.
    wheels = math.hypot(0.0, 0.25) + 0.1
    assert robot.radius == pytest.approx(max(math.hypot(0.3, 0.1), wheels), abs=1e-12)
    assert robot.urdf.wheel_radius == 0.1 and robot.urdf.track == 0.5 and robot.urdf.centre == (0.1, 0.0)
    assert robot.limits.speed == pytest.approx(0.5) and robot.limits.turn_rate == pytest.approx(2.0)
    assert robot.urdf.heights == pytest.approx((-0.1, 0.1))


def test_what_the_scenario_gives_counts_instead(tmp_path: Path) -> None:
    cart(tmp_path)
    keys = "wheels: {left: [l], right: [r], radius: 0.09, track: 0.6}, radius: 0.5, limits: {speed: 0.3}"
    (robot,) = load(tmp_path, keys).robots
    assert robot.urdf is not None and (robot.urdf.wheel_radius, robot.urdf.track) == (0.09, 0.6)
    assert robot.radius == 0.5 and robot.limits.speed == 0.3
    assert robot.limits.turn_rate == pytest.approx(2.0 * 5.0 * 0.09 / 0.6)


def test_the_slowest_wheel_counts_and_a_track_is_between_the_sides(tmp_path: Path) -> None:
    slow = {"kind": "continuous", "limit": '<limit velocity="3"/>'}
    more = [link("lw2", WHEEL), link("rw2", WHEEL)]
    more += [joint("l2", "base", "lw2", "-0.1 0.25 0", **slow), joint("r2", "base", "rw2", "-0.1 -0.25 0", **slow)]
    cart(tmp_path, *more)
    (robot,) = load(tmp_path, "wheels: {left: [l, l2], right: [r, r2]}").robots
    assert robot.urdf is not None and robot.urdf.centre == (0.0, 0.0) and robot.urdf.track == 0.5
    assert robot.limits.speed == pytest.approx(0.3)


@pytest.mark.parametrize("kind", ["single_integrator", "double_integrator"])
def test_a_planar_base_has_the_limits_of_its_type(kind: str, tmp_path: Path) -> None:
    written(tmp_path, link("base", '<box size="0.6 0.8 0.1"/>', 'xyz="0 0 0.2"'))
    (robot,) = load(tmp_path, "base: planar", kind, "[1, 2]").robots
    assert robot.radius == 0.5 and robot.limits.speed == 0.5 and robot.urdf is not None and robot.urdf.is_planar


SHAPES = [
    ('<box size="0.2 0.4 0.6"/>', "", math.hypot(0.1, 0.2)),
    ('<cylinder radius="0.3" length="1"/>', "", 0.3),
    ('<cylinder radius="0.3" length="1"/>', 'rpy="0 1.5707963267948966 0"', math.hypot(0.5, 0.3)),
    ('<cylinder radius="0.3" length="1"/>', 'xyz="0.3 0.4 2"', 0.8),
    ('<sphere radius="0.3"/>', 'xyz="0.3 0.4 2" rpy="1 2 3"', 0.8),
    ('<mesh filename="meshes/roof.stl"/>', "", 0.5),
    ('<mesh filename="meshes/roof.stl" scale="2 2 2"/>', "", 1.0),
    ('<mesh filename="meshes/roof.obj"/>', 'rpy="0 0 1"', 0.5),
    ('<mesh filename="meshes/text.stl"/>', 'xyz="0 0 1"', 0.5),
    ('<mesh filename="package://robots/meshes/roof.stl"/>', "", 0.5),
]


def meshes(folder: Path) -> None:
    """A triangle whose farthest corner is 0.5 m away, three times."""
    corners = [(0.3, 0.4, 0.0), (0.0, 0.1, 0.2), (-0.1, -0.2, 0.3)]
    (folder / "robots" / "meshes").mkdir(parents=True)
    at = folder / "robots" / "meshes"
    triangle = struct.pack("<3f", 0.0, 0.0, 1.0) + b"".join(struct.pack("<3f", *corner) for corner in corners)
    (at / "roof.stl").write_bytes(bytes(80) + struct.pack("<I", 1) + triangle + bytes(2))
    (at / "roof.obj").write_text("# a roof\n" + "".join(f"v {x} {y} {z}\n" for x, y, z in corners) + "f 1 2 3\n")
    facet = "".join(f"vertex {x} {y} {z}\n" for x, y, z in corners)
    (at / "text.stl").write_text(f"solid roof\nfacet normal 0 0 1\nouter loop\n{facet}endloop\nendfacet\nendsolid\n")


@pytest.mark.parametrize(("geometry", "origin", "radius"), SHAPES)
def test_the_disc_holds_every_shape(geometry: str, origin: str, radius: float, tmp_path: Path) -> None:
    meshes(tmp_path)
    assert planar_body(written(tmp_path, link("base", geometry, origin))).reach == pytest.approx(radius, abs=1e-6)


@given(turns=st.tuples(*[st.floats(-3.0, 3.0)] * 3), place=st.tuples(*[st.floats(-1.0, 1.0)] * 3))
def test_the_disc_is_the_smallest_that_holds_a_turned_box(
    turns: tuple[float, ...], place: tuple[float, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    roll, pitch, yaw = turns
    text = link("base", '<box size="0.2 0.4 0.6"/>', 'xyz="{} {} {}" rpy="{} {} {}"'.format(*place, *turns))
    turned = np.eye(3)
    for axis, angle in ((0, roll), (1, pitch), (2, yaw)):
        cos, sin, (i, j) = math.cos(angle), math.sin(angle), ((axis + 1) % 3, (axis + 2) % 3)
        about = np.eye(3)
        about[i, i], about[j, j], about[i, j], about[j, i] = cos, cos, -sin, sin
        turned = about @ turned
    corners = [turned @ (0.1 * x, 0.2 * y, 0.3 * z) + place for x, y, z in itertools.product((-1, 1), repeat=3)]
    farthest = max(math.hypot(x, y) for x, y, _ in corners)
    body = planar_body(written(tmp_path_factory.mktemp("box"), text))
    assert body.reach == pytest.approx(farthest, abs=1e-9)


def test_the_disc_holds_a_caster_however_it_swivels(tmp_path: Path) -> None:
    fork = [link("fork"), joint("swivel", "base", "fork", "0.4 0 0", kind="continuous", axis="0 0 1")]
    wheel = [link("ball", WHEEL), joint("roll", "fork", "ball", "-0.05 0 -0.1", kind="continuous")]
    body = wheeled_body(cart(tmp_path, *fork, *wheel), ["l"], ["r"])
    assert body.reach == pytest.approx(0.3 + 0.05 + 0.1)


def test_the_disc_holds_a_wheel_as_it_rolls(tmp_path: Path) -> None:
    path = cart(tmp_path, wheel='<box size="0.2 0.04 0.2"/>')
    body = wheeled_body(path, ["l"], ["r"])
    assert body.wheel_radius == pytest.approx(math.hypot(0.1, 0.1))
    assert body.reach == pytest.approx(max(math.hypot(0.3, 0.1), math.hypot(body.wheel_radius, 0.27)))


def test_frames_turned_against_each_other_are_the_same_robot(tmp_path: Path) -> None:
    usual = {"kind": "continuous", "limit": '<limit velocity="5"/>', "axis": "0 0 -1", "rpy": "1.5707963267948966 0 0"}
    plain = wheeled_body(cart(tmp_path), ["l"], ["r"])
    turned = wheeled_body(cart(tmp_path, **usual), ["l"], ["r"])
    assert turned.reach == pytest.approx(plain.reach) and turned.centre == pytest.approx(plain.centre)
    assert turned.limits().as_array() == pytest.approx(plain.limits().as_array())


# Files.


def test_a_scenario_is_written_and_read_again(tmp_path: Path) -> None:
    cart(tmp_path)
    scenario = load(tmp_path, f"{WHEELS}, limits: {{speed: 0.4}}")
    (tmp_path / "else").mkdir()
    scenario.save(tmp_path / "else" / "again.yaml")
    assert "urdf: ../robots/own.urdf" in (tmp_path / "else" / "again.yaml").read_text()
    assert load_scenario(tmp_path / "else" / "again.yaml").robots == scenario.robots


def test_a_disc_smaller_than_the_footprint_is_said(tmp_path: Path) -> None:
    cart(tmp_path)
    assert load(tmp_path).notes == load(tmp_path, f"{WHEELS}, radius: 0.4").notes == ()
    assert load(tmp_path, f"{WHEELS}, radius: 0.2").notes == (
        "own.urdf reaches 0.35 m from its centre, and is taken for a disc of radius 0.2 m",
    )


def test_joints_without_a_limit_need_limits(tmp_path: Path) -> None:
    cart(tmp_path, limit='<limit effort="9"/>')
    (robot,) = load(tmp_path, f"{WHEELS}, limits: {{speed: 0.4, turn_rate: 1}}").robots
    assert robot.limits == Limits(0.4, turn_rate=1.0)
    with pytest.raises(InputError, match=r"own\.urdf: joint l: limit velocity: got None; valid: a velocity above 0"):
        load(tmp_path, f"{WHEELS}, limits: {{speed: 0.4}}")


@pytest.mark.parametrize(
    ("keys", "kind", "said"),
    [
        ("wheels: {left: [x], right: [r]}", "unicycle", r"own\.urdf: joint x: .* one of the continuous joints .l, r"),
        ("wheels: {left: [r], right: [l]}", "unicycle", r"left wheels at y = -0\.25 m.*x is forward"),
        ("wheels: {left: [l, l], right: [r]}", "unicycle", "each joint once"),
        ("wheels: {left: [], right: [r]}", "unicycle", r"wheels\.left: got \[\]; valid: one or more of the"),
        ("wheels: {left: [l]}", "unicycle", "wheels: right"),
        ("wheels: {left: [l], right: [r], radius: 0}", "unicycle", r"wheels\.radius: got 0"),
        (f"{WHEELS}, base: planar", "unicycle", r"urdf: got '2 of the keys wheels and base'"),
        ("radius: 1", "unicycle", "base: planar"),
        ("base: round", "single_integrator", "valid: planar"),
        (WHEELS, "double_integrator", "valid: unicycle, which own.urdf is by `wheels`"),
        ("base: planar", "unicycle", "valid: single_integrator or double_integrator"),
        (WHEELS, "unicycle_first_order_0", "valid: unicycle: shape and limits are those of the URDF file"),
        (f"{WHEELS}, limits: {{speed: 0.6}}", "unicycle", r"limits\.speed: got 0\.6; valid: at most 0\.5 m/s \(joints"),
        (f"{WHEELS}, limits: {{turn_rate: 3}}", "unicycle", r"limits\.turn_rate: got 3\.0; valid: at most 2 rad/s"),
        (
            f"{WHEELS}, limits: {{speed: 0.4, turn_rate: 1, acceleration: 1, turn_acceleration: 2}}", "unicycle",
            r"limits\.speed: got 0\.4; valid: speed \+ turn_rate \* track / 2 of at most 0\.5 m/s",
        ),
    ],
)  # fmt: skip
def test_keys_that_do_not_fit_are_refused(keys: str, kind: str, said: str, tmp_path: Path) -> None:
    cart(tmp_path)
    with pytest.raises(InputError, match=said) as error:
        load(tmp_path, keys, kind, "[1, 2]" if "integrator" in kind else "[1, 2, 0]")
    assert "\n" not in str(error.value)


def test_keys_of_a_body_need_a_file(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        SCENARIO.format(type="unicycle", keys=WHEELS, start="[1, 2, 0]").replace("urdf: robots/own.urdf, ", "")
    )
    with pytest.raises(InputError, match=r"wheels: got 'a key without urdf'; valid: urdf: FILE"):
        load_scenario(path)


def test_what_is_wrong_with_a_file_says_who_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scenario\.yaml:\d+: robots\[0\]\.urdf: .*own\.urdf: got 'No such file"):
        load(tmp_path)
    cart(tmp_path)
    with pytest.raises(InputError, match=r"scenario\.yaml:\d+: robots\[0\]\.urdf: .*own\.urdf: "):
        load(tmp_path, WHEELS.replace("[l]", "[nobody]"))


BASE = link("base", '<box size="1 1 1"/>')


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([link("base", '<mesh filename="package://own/base.stl"/>')],
         r"urdf: link base: mesh: got 'package://own/base.stl'; valid: a package whose folder is above the URDF file"),
        ([link("base", '<mesh filename="http://own/base.stl"/>')], "urdf: link base: mesh: .* or package://NAME/path"),
        (['<link name="base"><visual><geometry><mesh filename="model://a"/></geometry></visual></link>'],
         "link base: mesh"),
        ([link("base", '<mesh filename="base.dae"/>')], r"base\.dae: got '\.dae'; valid: a mesh in STL or OBJ"),
        ([link("base", '<mesh filename="none.stl"/>')], r"link base: mesh: .*none\.stl: got 'No such file"),
        ([link("base", '<cone radius="1"/>')], "got 'cone'; valid: box or cylinder or sphere or mesh"),
        ([link("base", '<box size="1 1"/>')], "link base: box's size: got '1 1'; valid: 3 finite numbers"),
        ([link("base", '<sphere radius="${r}"/>')], r"sphere's radius: got '\$\{r\}'; valid: 1 finite number"),
        ([link("base", '<sphere radius="-1"/>')], "sphere's radius: got -1"),
        ([link("base", '<sphere radius="nan"/>')], "sphere's radius"),
        ([link("base")], "links: got 'nothing that collides'"),
        ([BASE.replace("<inertia ", "<other ")], "link base: inertial: inertia: got None; valid: mass and inertia"),
        ([BASE.replace('value="1"', 'value="heavy"')], "link base: inertial: mass's value: got 'heavy'"),
        ([BASE.replace('value="1"', 'value="-5"')], "inertial: mass: got -5.0; valid: a mass above 0"),
        ([BASE.replace('iyy="1"', 'iyy="0"')], "link base: inertial: iyy: got 0.0; valid: a moment of inertia above 0"),
        ([BASE.replace('izz="1"', "")], "link base: inertial: inertia's izz: got ''; valid: 1 finite number"),
        ([link("base", '<box size="300 200 100"/>')], "what collides: got 'a reach of 180.278 m'; valid: .* in metres"),
        (['<xacro:if xmlns:xacro="http://www.ros.org/wiki/xacro" value="1"/>', BASE], r"xacro FILE\.xacro > FILE"),
        ([BASE, link("base")], "a name of its own for each link"),
        ([BASE, link("other")], r"links that hang on no joint: got \['base', 'other'\]"),
        ([BASE, joint("a", "base", "none")], "joint a: child link: got 'none'; valid: one of the links base"),
        ([BASE, link("b"), joint("a", "base", "b", kind="floating")], "type: got 'floating'; valid: one of fixed"),
        ([BASE, link("b"), joint("a", "base", "b", axis="0 0 0")], "joint a: axis"),
        ([BASE, link("b"), joint("a", "base", "b"), joint("c", "base", "b")], "joint c: child link: .*on a already"),
        ([BASE, link("b"), link("c"), joint("a", "b", "c"), joint("d", "c", "b")], r"links: got \['b', 'c'\]"),
        (["<link name="], "well-formed XML"),
        ([], "links that hang on no joint"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_are_refused(parts: list[str], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, *parts)
    with pytest.raises(InputError, match=said) as error:
        planar_body(path)
    assert str(path.parent) in str(error.value) and "\n" not in str(error.value)


def test_what_is_fixed_to_another_link_need_not_turn(tmp_path: Path) -> None:
    """Tools write sensors and covers with moments of inertia of 0; wheels that cannot turn do not drive."""
    cover = link("cover", '<sphere radius="0.1"/>').replace('"1" ixy', '"0" ixy')
    path = cart(tmp_path, cover, joint("c", "base", "cover"))
    assert planar_body(path).reach > 0.3
    path.write_text(path.read_text().replace(link("lw", WHEEL), link("lw", WHEEL).replace('"1" ixy', '"0" ixy')))
    with pytest.raises(InputError, match="link lw: inertial: ixx: got 0"):
        planar_body(path)


@pytest.mark.parametrize(
    ("wheels", "said"),
    [
        ({"kind": "revolute"}, "joint l: type: got 'revolute'; valid: .*the file has none"),
        ({"axis": "1 0 0"}, r"joint l: axis: got \[1\.0, 0\.0, 0\.0\]; valid: along y of the root link"),
        ({"limit": '<limit velocity="0"/>'}, "joint l: limit velocity: got 0"),
        ({"wheel": ""}, "link lw .wheel of joint l.: collision: got None"),
    ],
)
def test_joints_that_are_no_wheels_are_refused(wheels: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        wheeled_body(cart(tmp_path, **wheels), ["l"], ["r"])


def test_wheels_of_different_radii_need_a_radius(tmp_path: Path) -> None:
    more = [link("big", '<sphere radius="0.2"/>'), joint("b", "base", "big", "0.1 0.3 0", kind="continuous")]
    path = cart(tmp_path, *more)
    with pytest.raises(InputError, match=r"b 0\.2 m, r 0\.1 m.; valid: wheels of one radius, or wheels"):
        wheeled_body(path, ["b"], ["r"])
    assert wheeled_body(path, ["b"], ["r"], radius=0.15).wheel_radius == 0.15


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = written(tmp_path, BASE)
    path.write_text('<!DOCTYPE robot [<!ENTITY a "b">]>' + path.read_text())
    with pytest.raises(InputError, match=r"own\.urdf: <!DOCTYPE>: got 'robot'; valid: a file without a document type"):
        planar_body(path)
    path.write_text('<sdf version="1"/>')
    with pytest.raises(InputError, match="valid: a URDF file, whose outermost element is <robot>"):
        planar_body(path)


def test_a_robot_may_be_made_in_python(tmp_path: Path) -> None:
    cart(tmp_path)
    (robot,) = load(tmp_path).robots
    assert replace(robot, limits=Limits(0.2, turn_rate=1.0)).urdf == robot.urdf
    with pytest.raises(InputError, match=r"RobotSpec\.limits\.speed: got 0\.7"):
        replace(robot, limits=Limits(0.7, turn_rate=1.0))
