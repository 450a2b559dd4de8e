"""The guide to the profiles: pages in plain words that follow from the definitions.

https://hl7.org/fhir/R4/implementationguide.html
"""

from pathlib import Path

from service.conformance.definitions import Definitions
from service.conformance.generated import OutdatedError, check_files, write_files
from service.conformance.guide.addresses import INDEX
from service.conformance.guide.pages import Guide

__all__ = ["INDEX", "Guide", "check_guide", "write_guide"]


def write_guide(definitions: Definitions, folder: Path) -> None:
    """Write the pages to ``folder`` as Markdown."""
    write_files(_files(definitions, folder))


def check_guide(definitions: Definitions, folder: Path) -> None:
    """Raise OutdatedError unless ``folder`` holds the pages, byte for byte, and no other."""
    files = _files(definitions, folder)
    check_files(files, "run `make docs`")
    for path in sorted(folder.glob("*.md")):
        if path not in files:
            raise OutdatedError(f"{path} is no page of the guide any more: remove it")


def _files(definitions: Definitions, folder: Path) -> dict[Path, bytes]:
    guide = Guide(definitions)
    return {folder / f"{name}.md": guide.markdown(name).encode() for name in guide.titles}
