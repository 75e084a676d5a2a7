"""The bill of materials of a bundle: every package in it with version, hashes and licence, as CycloneDX JSON."""

from __future__ import annotations

import email
import hashlib
import zipfile
from collections.abc import Iterable
from datetime import datetime, timezone
from email.message import Message
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from lock import normal
from packageurl import PackageURL

ADDRESS = "https://github.com/milepost/milepost"
AUTHOR = "The Milepost authors"
CLASSIFIER = "License :: "
MOST_CHARACTERS = 100  # of a field `License`, which older packages fill with the whole text


def render_sbom(wheels: Iterable[Path], version: str, moment: int) -> str:
    """The bill as JSON: the same for the same wheels, version and moment, in seconds since 1970."""
    by_package: dict[tuple[str, str], list[Path]] = {}
    for each in wheels:
        message = _read_metadata(each)
        by_package.setdefault((normal(str(message["Name"])), str(message["Version"])), []).append(each)
    suite = _describe_suite(version)
    parts = [_describe(name, number, files) for (name, number), files in sorted(by_package.items())]
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_URL, _identify(by_package, version)))
    bom.metadata.timestamp = datetime.fromtimestamp(moment, timezone.utc)
    bom.metadata.component = suite
    bom.metadata.authors.add(OrganizationalContact(name=AUTHOR))
    bom.register_dependency(suite, parts)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _describe_suite(version: str) -> Component:
    purl = PackageURL("github", "milepost", "milepost", f"v{version}")
    return Component(
        type=ComponentType.APPLICATION,
        name="milepost",
        version=version,
        bom_ref="milepost",
        purl=purl,
        licenses=[LicenseFactory().make_from_string("Apache-2.0")],
        external_references=[ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(ADDRESS))],
    )


def _describe(name: str, version: str, files: list[Path]) -> Component:
    """The package, once, and each of its wheels as a distribution with its hash."""
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("pypi", None, name, version),
        licenses=_list_licences(_read_metadata(files[0])),
        hashes=_hash(files[0]) if len(files) == 1 else [],
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION, url=XsUri(f"wheels/{each.name}"), hashes=_hash(each)
            )
            for each in files
        ],
    )


def _list_licences(message: Message) -> list[License]:
    """What the package says: its expression, else a short name, else its classifiers; nothing when it says nothing."""
    said = str(message["License-Expression"] or message["License"] or "").strip()
    if said and "\n" not in said and len(said) <= MOST_CHARACTERS and said.upper() != "UNKNOWN":
        return [LicenseFactory().make_from_string(said)]
    classifiers = [each for each in message.get_all("Classifier", []) if each.startswith(CLASSIFIER)]
    return [LicenseFactory().make_with_name(each.rpartition(" :: ")[2]) for each in classifiers]


def _hash(path: Path) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(path.read_bytes()).hexdigest())]


def _read_metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(
            each for each in archive.namelist() if each.count("/") == 1 and each.endswith(".dist-info/METADATA")
        )
        return email.message_from_bytes(archive.read(name))


def _identify(packages: dict[tuple[str, str], list[Path]], version: str) -> str:
    """One text for one set of wheels."""
    digests = [each.content for files in packages.values() for path in sorted(files) for each in _hash(path)]
    return " ".join([ADDRESS, version, *sorted(digests)])
