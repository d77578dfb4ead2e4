"""How the robots of a fleet are joined by zenoh: keys, identities, and the settings of a session. Data only.

Every robot is a peer that listens on its own address and connects to the robots before it in the roster, so that each
pair has one link: with two, of which one outlives an outage, one side would think that it still is subscribed to.
Nothing is scouted and nobody forwards.

With a folder of keys the links are TLS with certificates on both sides, and access control lets each certificate speak
on its own key only (zenoh manual, "Access Control"). Whoever receives enforces that. Robots that call trust the public
authorities too, which zenoh cannot be told not to; so names end in ``.swarm``, for which none of those may sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from swarm.errors import InputError

MAX_PAYLOAD = 1024
"""Bytes of a message; longer ones are counted and dropped."""
LEASE = 1000
"""Milliseconds of silence after which a link is given up and made anew: TCP itself backs off for longer than the outage
was, and a link that hangs is then heard again sooner through a new one."""
PATIENCE = 0.6
"""Seconds after which an attempt to connect is given up and made anew. Four round trips have to fit into it; and as the
first packet of an attempt is sent again only after a second, it bounds how long a healed network stays unused."""
LEAST_PATIENCE, MOST_PATIENCE = 0.05, 60.0
OPERATOR = "operator"
"""Who may stop a fleet and release it; it listens, and has no key of its own to publish on."""

_FLEET = re.compile(r"[A-Za-z0-9_-]{1,24}")
_ENDPOINT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})")
_RETRY = {"period_init_ms": 50, "period_max_ms": 150, "period_increase_factor": 1.5}
_MESSAGES = ("put", "declare_subscriber", "liveliness_token", "liveliness_query", "declare_liveliness_subscriber")
_FILES = {
    "root_ca_certificate": "ca.pem",
    "listen_certificate": "certificate.pem",
    "listen_private_key": "key.pem",
    "connect_certificate": "certificate.pem",
    "connect_private_key": "key.pem",
}


def check_fleet(name: str) -> str:
    """The name of a fleet, or ``InputError``."""
    if not _FLEET.fullmatch(name):
        raise InputError("fleet", name, "1 to 24 letters, digits, - and _")
    return name


def robot_key(fleet: str, robot: int | str, to: int | str) -> str:
    """Where a robot publishes what is for another one; ``*``: where all do, or for all."""
    return f"swarm/{fleet}/robot/{robot}/{to}"


def alive_key(fleet: str, robot: int | str) -> str:
    """The liveliness token of a robot; ``*``: of all."""
    return f"swarm/{fleet}/alive/{robot}"


def status_key(fleet: str, robot: int | str) -> str:
    """Where a robot tells those who watch how it is (``swarm.runtime.link.status``); ``*``: where all do."""
    return f"swarm/{fleet}/status/{robot}"


def handshake_key(fleet: str, robot: int | str) -> str:
    """Where a robot says what it runs with (``swarm.runtime.link.handshake``); ``*``: where all do."""
    return f"swarm/{fleet}/hello/{robot}"


def stop_key(fleet: str) -> str:
    """Where the operator stops and releases all."""
    return f"swarm/{fleet}/estop"


def wish_key(fleet: str) -> str:
    """Where the operator tells what he has signed (``swarm.runtime.link.signed_stop``)."""
    return f"swarm/{fleet}/wish"


def passing_key(fleet: str, robot: int | str) -> str:
    """Where a robot passes that on; ``*``: where all do."""
    return f"swarm/{fleet}/wish/{robot}"


def identity(fleet: str, robot: int | str) -> str:
    """Common name in the certificate of a robot, or of the ``OPERATOR``."""
    return f"{robot if robot == OPERATOR else f'robot-{robot}'}.{fleet}.swarm"


def own_keys(keys: Path | None, who: int | str) -> Path | None:
    """The folder of one member's keys: the given one, or what an authority's own folder has for it.

    So a fleet whose processes all run on one machine names the folder that ``launch/authority.py`` wrote.
    """
    folder = None if keys is None else keys / (OPERATOR if who == OPERATOR else f"robot-{who}")
    return folder if folder is not None and folder.is_dir() else keys


def settings(
    fleet: str, robot: int | None, endpoints: Mapping[int, str], keys: Path | None = None, patience: float = PATIENCE
) -> dict[str, object]:
    """Settings of a session by the key of zenoh's configuration.

    Args:
        fleet: Its name.
        robot: Whose session it is; None: the operator's, which listens nowhere.
        endpoints: ``host:port`` of every robot of the roster, by identity.
        keys: Folder with ``ca.pem``, ``certificate.pem`` and ``key.pem``; None: plain TCP without access control.
        patience: Of an attempt to connect [s]; more than ``PATIENCE`` where round trips take longer than 0.1 s.

    Raises:
        InputError: For a name, an identity, an endpoint or a key file that cannot be used.
    """
    check_fleet(fleet)
    for one, endpoint in endpoints.items():
        found = _ENDPOINT.fullmatch(endpoint)
        if one < 0 or found is None or not 0 < int(found[2]) < 65536:
            raise InputError(f"endpoints[{one}]", endpoint, "an identity of at least 0, and host:port")
    if robot is not None and robot not in endpoints:
        raise InputError("robot", robot, f"one of the roster: {', '.join(map(str, sorted(endpoints)))}")
    if not LEAST_PATIENCE <= patience <= MOST_PATIENCE:
        raise InputError("patience", patience, f"{LEAST_PATIENCE:g} to {MOST_PATIENCE:g} s")
    scheme = "tcp" if keys is None else "tls"
    earlier = sorted(one for one in endpoints if robot is None or one < robot)
    options: dict[str, object] = {
        "mode": "peer",
        "listen/endpoints": [] if robot is None else [f"{scheme}/{endpoints[robot]}"],
        "listen/exit_on_failure": True,
        "connect/endpoints": [f"{scheme}/{endpoints[one]}" for one in earlier],
        "connect/timeout_ms": -1,
        "connect/exit_on_failure": False,
        "connect/retry": _RETRY,
        "open/return_conditions": {"connect_scouted": False, "declares": False},
        "scouting/multicast/enabled": False,
        "scouting/gossip/enabled": False,
        "transport/shared_memory/enabled": False,
        "transport/link/protocols": [scheme],
        "transport/link/tx/lease": LEASE,
        "transport/unicast/open_timeout": round(1000.0 * patience),
        "transport/unicast/accept_timeout": round(1000.0 * patience),
        # A neighbour that does not read never holds up the loop: without a free place in its queue a message is lost.
        "transport/link/tx/queue/congestion_control/drop": {"wait_before_drop": 0, "max_wait_before_drop_fragments": 0},
        # Bounds what a peer can make us hold: the default would put together messages of up to 1 GiB.
        "transport/link/tx/batch_size": 16384,
        "transport/link/rx/buffer_size": 16384,
        "transport/link/rx/max_message_size": 16384,
    }
    return options if keys is None else options | _secured(fleet, robot, endpoints, keys)


def _secured(fleet: str, robot: int | None, roster: Iterable[int], keys: Path) -> dict[str, object]:
    """The settings of TLS and access control. Hosts have no names here: who it is stands in the common name."""
    options: dict[str, object] = {}
    for setting, name in _FILES.items():
        if not (keys / name).is_file():
            raise InputError("keys", str(keys / name), "a file; launch/authority.py writes it")
        options[f"transport/link/tls/{setting}"] = str(keys / name)
    options["transport/link/tls/enable_mtls"] = True
    options["transport/link/tls/verify_name_on_connect"] = False
    options["access_control"] = _access(fleet, [one for one in roster if one != robot])
    return options


def _access(fleet: str, others: Iterable[int]) -> dict[str, object]:
    """Access control: what may come in from whom, and that nothing goes out but to the roster."""
    rules: list[dict[str, object]] = []
    subjects: list[dict[str, object]] = []
    policies: list[dict[str, object]] = []

    def rule(name: str, flow: str, messages: Iterable[str], keys: list[str]) -> None:
        rules.append(
            {"id": name, "permission": "allow", "flows": [flow], "messages": list(messages), "key_exprs": keys}
        )

    def allow(who: int | str, names: list[str]) -> None:
        subjects.append({"id": str(who), "cert_common_names": [identity(fleet, who)], "link_protocols": ["tls"]})
        policies.append({"rules": names, "subjects": [str(who)]})

    rule("out", "egress", _MESSAGES, [f"swarm/{fleet}/**"])
    rule("asks", "ingress", (one for one in _MESSAGES if one not in ("put", "liveliness_token")), [f"swarm/{fleet}/**"])
    rule("stops", "ingress", ["put"], [stop_key(fleet), wish_key(fleet)])
    allow(OPERATOR, ["out", "asks", "stops"])
    for one in others:
        told = (handshake_key, status_key, passing_key)
        options = [robot_key(fleet, one, "*"), *(key(fleet, one) for key in told)]
        rule(f"tells-{one}", "ingress", ["put"], options)
        rule(f"lives-{one}", "ingress", ["liveliness_token"], [alive_key(fleet, one)])
        allow(one, ["out", "asks", f"tells-{one}", f"lives-{one}"])
    return {"enabled": True, "default_permission": "deny", "rules": rules, "subjects": subjects, "policies": policies}
