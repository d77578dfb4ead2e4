"""A URDF file as links and joints: what of it matters for driving, checked.

Of documents, only what URDF needs is taken: no document type, so no entities that stand for very much or for other
files. xacro has to be expanded first.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

import numpy as np

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.files.checks import number
from swarm.files.text_files import MEBIBYTE, read_text
from swarm.scenario.urdf.shapes import Shape, mesh_name, numbers, place_of, read_shape

URDF_LIMIT = 16 * MEBIBYTE
HELD = ("revolute", "prismatic")
"""Types of joints that a driving robot keeps where they are at 0, such as an arm's."""
_TYPES = ("fixed", "continuous", *HELD)


class Link(NamedTuple):
    """A rigid part.

    Attributes:
        shapes: What it collides as, in its own frame.
        has_mass: Whether the file gives a mass.
        has_friction: Whether the file gives a friction (``contact``, a key of Bullet).
    """

    shapes: tuple[Shape, ...]
    has_mass: bool
    has_friction: bool


class Joint(NamedTuple):
    """What a link hangs on.

    Attributes:
        name: Its name.
        type: ``fixed``, ``continuous``, ``revolute`` or ``prismatic``.
        parent: The link that it hangs on.
        child: The link that hangs on it.
        place: ``float64[4, 4]``, its frame, which is the child's, in that of the parent.
        axis: ``float64[3]``, of unit length, in its own frame.
        velocity: How fast it moves at most [rad/s or m/s]; None if the file does not say.
    """

    name: str
    type: str
    parent: str
    child: str
    place: Array
    axis: Array
    velocity: float | None


class Model(NamedTuple):
    """A robot's tree of links.

    Attributes:
        path: The file.
        root: The link that everything hangs on.
        links: By name.
        joints: By name.
    """

    path: Path
    root: str
    links: dict[str, Link]
    joints: dict[str, Joint]

    def chain(self, link: str) -> list[Joint]:
        """The joints from a link up to the root."""
        above = {joint.child: joint for joint in self.joints.values()}
        found = []
        while link != self.root:
            found.append(above[link])
            link = above[link].parent
        return found

    def place(self, link: str) -> Array:
        """A link's frame in that of the root, all joints at 0: ``float64[4, 4]``."""
        place = np.eye(4)
        for joint in self.chain(link):
            place = joint.place @ place
        return place


class _WithoutDoctype(TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        raise InputError("<!DOCTYPE>", name, "a file without a document type")


def read_urdf(path: Path) -> Model:
    """Read a URDF file.

    Raises:
        InputError: If it cannot be read or is no tree of links; names the file and the link or joint.
    """
    text = read_text(path, URDF_LIMIT)
    parser = XMLParser(target=_WithoutDoctype())
    try:
        parser.feed(text)
        robot = parser.close()
    except ParseError as error:
        raise InputError(f"{path}:{error.position[0]}", str(error), "well-formed XML (xacro expanded)") from None
    except InputError as error:
        raise InputError(f"{path}: {error.where}", error.value, error.valid) from None
    if any("xacro" in element.tag for element in robot.iter()):
        raise InputError(f"{path}", "elements of xacro", "a URDF file: xacro FILE.xacro > FILE.urdf")
    if robot.tag != "robot":
        raise InputError(f"{path}", f"<{robot.tag}>", "a URDF file, whose outermost element is <robot>")
    named = _named(path, robot, "link")
    links = {name: _read_link(where, link, path.parent) for name, where, link in named}
    joints = {name: _read_joint(where, joint, links) for name, where, joint in _named(path, robot, "joint")}
    root = _root(path, links, joints)
    turns = {root} | {joint.child for joint in joints.values() if joint.type != "fixed"}
    for name, where, link in named:
        if name in turns and links[name].has_mass:
            _check_moments(where, link)
    return Model(path, root, links, joints)


def _named(path: Path, robot: Element, tag: str) -> list[tuple[str, str, Element]]:
    """Name, place for errors, and element of all links or joints."""
    found: dict[str, tuple[str, str, Element]] = {}
    for element in robot.findall(tag):
        name = element.get("name", "")
        if not name or name in found:
            raise InputError(f"{path}: {tag}", name, f"a name of its own for each {tag}")
        found[name] = name, f"{path}: {tag} {name}", element
    return list(found.values())


def _read_link(where: str, link: Element, folder: Path) -> Link:
    for mesh in link.findall("visual/geometry/mesh"):
        mesh_name(where, mesh)  # The physics engine loads what is seen, too.
    shapes = tuple(read_shape(where, collision, folder) for collision in link.findall("collision"))
    return Link(shapes, _has_mass(where, link), link.find("contact/lateral_friction") is not None)


def _has_mass(where: str, link: Element) -> bool:
    """Whether a link has a mass; an inertial without its parts is refused, as by physics engines."""
    inertial = link.find("inertial")
    if inertial is None:
        return False
    for tag in ("mass", "inertia"):
        if inertial.find(tag) is None:
            raise InputError(f"{where}: inertial: {tag}", None, "mass and inertia, or no inertial for a mere frame")
    mass = float(numbers(f"{where}: inertial", inertial.find("mass"), "value", count=1).item())
    if mass < 0.0:
        raise InputError(f"{where}: inertial: mass", mass, "a mass above 0 [kg], or 0 for a mere frame")
    return mass > 0.0


def _check_moments(where: str, link: Element) -> None:
    """Refuse moments of inertia of 0: physics engines take them for a link that cannot turn."""
    for axis in ("ixx", "iyy", "izz"):
        moment = float(numbers(f"{where}: inertial", link.find("inertial/inertia"), axis, count=1).item())
        if not moment > 0.0:
            raise InputError(f"{where}: inertial: {axis}", moment, "a moment of inertia above 0 [kg m²]")


def _read_joint(where: str, joint: Element, links: dict[str, Link]) -> Joint:
    kind = joint.get("type", "")
    if kind not in _TYPES:
        raise InputError(f"{where}: type", kind, f"one of {', '.join(_TYPES)}")
    parent, child = (_read_end(where, joint, tag, links) for tag in ("parent", "child"))
    axis = numbers(where, joint.find("axis"), "xyz", "1 0 0")
    if not axis.any():
        raise InputError(f"{where}: axis", axis.tolist(), "a direction")
    limit, velocity = joint.find("limit"), None
    if limit is not None and limit.get("velocity") is not None:
        velocity = number(f"{where}: limit velocity", numbers(where, limit, "velocity", count=1).item(), above=0.0)
    direction = axis / np.linalg.norm(axis)
    return Joint(joint.get("name", ""), kind, parent, child, place_of(where, joint), direction, velocity)


def _read_end(where: str, joint: Element, tag: str, links: dict[str, Link]) -> str:
    """The link that a joint has at that end."""
    element = joint.find(tag)
    name = "" if element is None else element.get("link", "")
    if name not in links:
        raise InputError(f"{where}: {tag} link", name, f"one of the links {', '.join(links)}")
    return name


def _root(path: Path, links: dict[str, Link], joints: dict[str, Joint]) -> str:
    """The one link that hangs on nothing, and that all others hang on."""
    above: dict[str, Joint] = {}
    for joint in joints.values():
        if joint.child in above:
            found = f"{joint.child}, which hangs on {above[joint.child].name} already"
            raise InputError(f"{path}: joint {joint.name}: child link", found, "a link that hangs on no other joint")
        above[joint.child] = joint
    roots = [link for link in links if link not in above]
    if len(roots) != 1:
        raise InputError(f"{path}: links that hang on no joint", roots, "one: the root of all links")
    reached, below = set(), list(roots)
    while below:
        link = below.pop()
        reached.add(link)
        below += [joint.child for joint in joints.values() if joint.parent == link]
    if circle := [link for link in links if link not in reached]:
        raise InputError(f"{path}: links", circle, f"links that hang on the root, {roots[0]}, over joints")
    return roots[0]
