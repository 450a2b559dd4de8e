"""The narrator on the real definitions, and every recovery resource of the samples."""

import pytest

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.terminology import Terminology
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.narrative.narrator import Narrator


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return Definitions(R4)


@pytest.fixture(scope="session")
def structures(definitions: Definitions) -> Structures:
    return Structures(definitions)


@pytest.fixture(scope="session")
def terminology(definitions: Definitions) -> Terminology:
    return Terminology(definitions)


@pytest.fixture(scope="session")
def narrator(terminology: Terminology) -> Narrator:
    return Narrator(terminology, Addresses())
