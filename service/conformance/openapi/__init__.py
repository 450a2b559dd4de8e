"""The OpenAPI 3.1 document, derived from the definitions (https://spec.openapis.org/oas/v3.1.0.html)."""

from pathlib import Path

from service.conformance.definitions import Definitions
from service.conformance.generated import OutdatedError, check_files, write_files
from service.conformance.openapi.document import openapi_document
from service.conformance.openapi.layout import laid_out
from service.fhir.versions import R4, FhirVersion

__all__ = [
    "OutdatedError",
    "check_openapi",
    "openapi_bytes",
    "openapi_document",
    "openapi_file",
    "write_openapi",
]


def openapi_bytes(version: FhirVersion = R4) -> bytes:
    """Return the document of ``version`` as it is written to a file and served."""
    return laid_out(openapi_document(Definitions(version)))


def write_openapi(path: Path) -> None:
    """Write the document to ``path``."""
    write_files({path: openapi_bytes()})


def check_openapi(path: Path) -> None:
    """Raise OutdatedError unless ``path`` holds, byte for byte, what the definitions say now."""
    check_files({path: openapi_bytes()}, "run `make openapi`")


def openapi_file(version: FhirVersion = R4) -> Path:
    """Return where the document is kept: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent.parent
    checkout = package.parent / "openapi"
    folder = checkout if checkout.is_dir() else package / "openapi"
    return folder / f"{version.name.lower()}.json"
