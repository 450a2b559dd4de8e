"""XML in tests: the codec of the service, and short ways to write a resource by hand."""

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.conformance.xml import Xml
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.versions import R4

STRUCTURES = Structures(Definitions(R4))
XML = Xml(STRUCTURES)
FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"


def resource(name: str, content: str, attributes: str = "") -> bytes:
    """Return a resource whose elements are ``content``."""
    return f'<{name} xmlns="{FHIR}"{attributes}>{content}</{name}>'.encode()


def goal(content: str = "") -> bytes:
    """Return a small valid Goal that begins with ``content``."""
    shown = (
        '<description><text value="Run my own money"/></description><subject><reference value="Patient/1"/></subject>'
    )
    return resource("Goal", f'{content}<lifecycleStatus value="active"/>{shown}')


def issues_in(body: bytes) -> list[Issue]:
    """Return what is wrong with XML, or nothing."""
    try:
        XML.read(body)
    except OutcomeError as error:
        return list(error.issues)
    return []
