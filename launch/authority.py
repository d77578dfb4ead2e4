"""Writes the certificates of a fleet: a local authority, and a folder for each robot and for the operator.

Usage: ``python launch/authority.py --fleet NAME --robots 0 1 2 --out DIR``. Copy ``DIR/robot-2`` to robot 2, and
nothing else; keep ``DIR/ca.key`` off the robots. Where ``DIR`` has an authority already it is used again: so robots are
added, and keys renewed. The robots trust whoever it signs to be who the certificate names, so a robot that left, or
whose key leaked, is taken out of the roster; if it keeps its number, a new authority is needed. So it is if the
operator's key leaked: with it stops and releases are signed.
"""

from __future__ import annotations

import argparse
import datetime
import os
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from envs.commands.command import leave, run_command
from swarm.errors import InputError
from swarm.files.text_files import check_place, make_folder
from swarm.runtime.fleet_file.zenoh_config import OPERATOR, check_fleet, identity

YEARS_OF_AUTHORITY, DAYS_OF_ROBOT = 10, 825
_EARLY = datetime.timedelta(days=1)  # Clocks of robots may be slow.


def write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a private key that only its owner can read, from its first byte on."""
    data = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """Write a certificate as PEM."""
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def named(name: str) -> x509.Name:
    """A subject with just a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def sign(
    name: str, key: ec.EllipticCurvePublicKey, issuer: str, signer: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    """What the certificates of the authority and of robots share, not yet signed."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY).not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )  # fmt: skip


def usage(*, authority: bool) -> x509.KeyUsage:
    """What a key may be used for: to sign certificates, or to authenticate."""
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def open_authority(fleet: str, out: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """The authority in a folder, made there if there is none.

    Raises:
        InputError: If the folder's authority is another fleet's, or no longer whole.
    """
    name, paths = f"authority.{fleet}.swarm", (out / "ca.pem", out / "ca.key")
    if any(path.exists() for path in paths):
        try:
            certificate = x509.load_pem_x509_certificate(paths[0].read_bytes())
            key = serialization.load_pem_private_key(paths[1].read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise InputError(str(out), str(error), "a folder without ca.pem and ca.key, or with both") from error
        other = certificate.subject != named(name)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key() or other:
            raise InputError(str(paths[0]), certificate.subject.rfc4514_string(), f"CN={name}, with its own ca.key")
        return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        sign(name, key.public_key(), name, key, 365.25 * YEARS_OF_AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(paths[1], key)
    write_certificate(paths[0], certificate)
    return certificate, key


def write_member(fleet: str, who: int | str, out: Path) -> Path:
    """Write the folder of a robot or of the operator: ``ca.pem``, ``certificate.pem``, ``key.pem``."""
    authority, signer = open_authority(fleet, out)
    folder = out / (OPERATOR if who == OPERATOR else f"robot-{who}")
    make_folder(folder)
    name, key = identity(fleet, who), ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        sign(name, key.public_key(), f"authority.{fleet}.swarm", signer, DAYS_OF_ROBOT)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    write_private(folder / "key.pem", key)
    write_certificate(folder / "certificate.pem", certificate)
    write_certificate(folder / "ca.pem", authority)
    return folder


def certify(arguments: Sequence[str] | None) -> int:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--fleet", required=True, help="its name")
    parser.add_argument("--robots", required=True, nargs="+", type=int, metavar="ID", help="identities, at least 0")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder of the authority")
    options = parser.parse_args(arguments)
    check_fleet(options.fleet)
    if min(options.robots) < 0:
        raise InputError("--robots", min(options.robots), "identities of at least 0")
    check_place(options.out, is_folder=True)
    make_folder(options.out)
    for who in dict.fromkeys([*options.robots, OPERATOR]):
        print(write_member(options.fleet, who, options.out))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Write certificates; 2 on wrong input, 130 if interrupted."""
    return run_command(lambda: certify(arguments))


if __name__ == "__main__":
    leave(main())
