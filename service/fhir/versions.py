"""FHIR versions as values (https://hl7.org/fhir/R4/versioning.html)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FhirVersion:
    """A published FHIR version: its short name, its full number, and the number that MIME types carry."""

    name: str
    number: str
    mime_number: str

    @property
    def definitions(self) -> Path:
        """The folder that holds the definitions of this version."""
        return schemas_folder() / self.name.lower()


R4 = FhirVersion("R4", "4.0.1", "4.0")


def schemas_folder() -> Path:
    """Return the folder of definitions: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    checkout = package.parent / "schemas"
    return checkout if checkout.is_dir() else package / "schemas"
