"""Make `schemas/r4/core` anew: the slice of the official FHIR R4 definitions that the service stands on.

How to use it::

    npm pack hl7.fhir.r4.examples@4.0.1 hl7.fhir.uv.extensions.r4@5.3.0-ballot-tc1
    mkdir r4 extensions
    tar -xzf hl7.fhir.r4.examples-4.0.1.tgz -C r4
    tar -xzf hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1.tgz -C extensions
    .venv/bin/python -m tests.support.vendor_core r4/package extensions/package            # writes schemas/r4/core
    .venv/bin/python -m tests.support.vendor_core r4/package extensions/package --check    # exit code 1 if it differs

Where both packages define a url, the file of R4 4.0.1 is taken. Files are copied byte for byte under their own
names; definition files that no longer belong to the slice are removed; the README is left alone.
What belongs to the slice follows from the few roots named here, by transitive closure: the types of an
element, the profiles and the base of a type, the value sets bound with strength `required` or `extensible`
(or by the `maxValueSet` extension), and the code systems and value sets that such a value set is composed of.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORE = Path(__file__).parents[2] / "schemas" / "r4" / "core"
KINDS = (
    "StructureDefinition",
    "SearchParameter",
    "ValueSet",
    "CodeSystem",
    "CompartmentDefinition",
    "OperationDefinition",
)
HL7 = "http://hl7.org/fhir/StructureDefinition/"
MAX_VALUE_SET = HL7 + "elementdefinition-maxValueSet"

FHIR_VERSION = "4.0.1"

SERVED = ("CarePlan", "Goal", "RiskAssessment", "Provenance", "AuditEvent", "Subscription")
WIRE = ("Bundle", "OperationOutcome", "Parameters", "Resource", "DomainResource")
# Types that a plan, a goal or a risk assessment refers to, and so may contain.
CONTAINED = (
    *("Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "CareTeam", "Group"),
    *("Device", "HealthcareService", "Location", "Encounter", "Appointment"),
    *("Condition", "Observation", "Procedure", "QuestionnaireResponse", "DocumentReference", "Consent"),
    *("ServiceRequest", "Task", "DeviceRequest", "Communication", "CommunicationRequest"),
    *("Medication", "MedicationRequest", "MedicationStatement"),
)
# What tells how recovery-oriented practice is; a list holds what a measure counted.
MEASURED = ("Measure", "MeasureReport", "List")
# The parameters of every resource that are served; _text, _content and _query are not.
COMMON_PARAMETERS = ("_id", "_lastUpdated", "_profile", "_security", "_source", "_tag")
# The parameters that R4 gives to every type of conformance resource.
CONFORMANCE_PARAMETERS = ("date", "description", "name", "publisher", "status", "title", "url", "version")
COMPARTMENTS = ("device", "encounter", "patient", "practitioner", "relatedPerson")
OPERATIONS = (
    *("Patient-everything", "Resource-meta", "Resource-meta-add", "Resource-meta-delete", "Resource-validate"),
    "Measure-evaluate-measure",
)

# Extensions that our profiles use, and others that records of the served types commonly carry.
EXTENSIONS = (
    *("goal-acceptance", "goal-relationship", "goal-reasonRejected", "resource-pertainsToGoal"),
    *("careplan-activity-title", "workflow-episodeOfCare", "workflow-researchStudy"),
    *("data-absent-reason", "originalText", "rendered-value", "translation", "display"),
    *("coding-sctdescid", "valueset-reference", "ordinalValue", "identifier-validDate"),
    *("timing-exact", "timing-dayOfMonth"),
    "capabilitystatement-search-parameter-combination",  # by which our CapabilityStatement says what is asked together
)
# Those that R4 itself does not define.
EXTENSIONS_OF_THE_PACK = (
    *("annotationType", "workflow-barrier", "workflow-protectiveFactor"),
    *("operationoutcome-issue-line", "operationoutcome-issue-col"),
)

# Code systems (and one value set, of bcp13) that no file here lists.
NOT_HELD = {
    "urn:ietf:bcp:13": "media types (IANA)",
    "urn:ietf:bcp:47": "language tags (IETF)",
    "http://unitsofmeasure.org": "units (UCUM)",
    "urn:iso:std:iso:4217": "currencies (ISO 4217)",
    "http://www.rfc-editor.org/bcp/bcp13.txt": "media types, as the official Expression.language names them",
    "urn:ietf:rfc:3986": "any URI",
    "urn:iso:std:iso:3166": "countries (ISO 3166)",
    "urn:iso:std:iso:3166:-2": "parts of countries (ISO 3166-2)",
    "http://unstats.un.org/unsd/methods/m49/m49.htm": "regions (UN M49)",
    "http://loinc.org": "LOINC",
    "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem": "document formats (IHE)",
    "http://dicom.nema.org/resources/ontology/DCM": "DICOM terms: 1.7 MB for one binding of Consent",
}

Definition = dict[str, Any]


@dataclass
class Slice:
    """A set of definitions, found by canonical url, with what each refers to."""

    by_url: dict[str, Definition] = field(default_factory=dict)
    file_of: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> "Slice":
        """All definitions with a url in `directory`. Raises ValueError if two files share a url."""
        found = cls()
        for kind in KINDS:
            for path in sorted(directory.glob(f"{kind}-*.json")):
                definition = json.loads(path.read_bytes())
                url = definition.get("url")
                if definition.get("resourceType") != kind or url is None:
                    continue
                if url in found.by_url:
                    raise ValueError(f"{path.name} and {found.file_of[url].name} both define {url}")
                found.by_url[url] = definition
                found.file_of[url] = path
        return found

    def beside(self, other: "Slice") -> "Slice":
        """The definitions of both; where both define a url, those of this one."""
        return Slice({**other.by_url, **self.by_url}, {**other.file_of, **self.file_of})


def roots(package: Slice) -> Iterator[str]:
    """The canonical urls that the slice starts from."""
    for name in (*SERVED, *WIRE, *CONTAINED, *MEASURED):
        yield HL7 + name
    for name in (*EXTENSIONS, *EXTENSIONS_OF_THE_PACK):
        yield HL7 + name
    for name in OPERATIONS:
        yield f"http://hl7.org/fhir/OperationDefinition/{name}"
    for code in COMPARTMENTS:
        yield f"http://hl7.org/fhir/CompartmentDefinition/{code}"
    for code in CONFORMANCE_PARAMETERS:
        yield f"http://hl7.org/fhir/SearchParameter/conformance-{code}"
        yield f"http://hl7.org/fhir/SearchParameter/Measure-{code}"
    for url, definition in package.by_url.items():
        if definition["resourceType"] == "SearchParameter" and is_official_parameter(definition):
            bases = set(definition.get("base", ()))
            of_every_resource = bases == {"Resource"} and definition["code"] in COMMON_PARAMETERS
            if of_every_resource or bases & set(SERVED):
                yield url


def is_official_parameter(definition: Definition) -> bool:
    """True for a parameter of the specification itself; the package also holds examples of parameters."""
    return bool(definition.get("version") == FHIR_VERSION)


def needs(definition: Definition) -> Iterator[str]:
    """The canonical urls (without version) that a definition cannot be understood without."""
    match definition["resourceType"]:
        case "StructureDefinition":
            yield from structure_needs(definition)
        case "ValueSet":
            compose = definition.get("compose", {})
            for part in (*compose.get("include", ()), *compose.get("exclude", ())):
                # Listed codes speak for themselves, but whether they exist is the code system's to say.
                if "system" in part:
                    yield part["system"]
                yield from (unversioned(url) for url in part.get("valueSet", ()))
        case "OperationDefinition":
            for parameter in definition["parameter"]:
                yield from bound_value_sets(parameter)
        case "CodeSystem":
            if "supplements" in definition:
                yield unversioned(definition["supplements"])


def structure_needs(definition: Definition) -> Iterator[str]:
    """Base, element types and their profiles, and the value sets of bindings."""
    if "baseDefinition" in definition:
        yield definition["baseDefinition"]
    for element in definition["snapshot"]["element"]:
        for kind in element.get("type", ()):
            if not kind["code"].startswith("http://hl7.org/fhirpath/"):
                yield HL7 + kind["code"]
            yield from (unversioned(url) for url in kind.get("profile", ()))
        yield from bound_value_sets(element)


def bound_value_sets(element: Definition) -> Iterator[str]:
    """The value sets that the codes of an element or a parameter must, or should where one fits, come from."""
    binding = element.get("binding", {})
    if binding.get("strength") in ("required", "extensible") and "valueSet" in binding:
        yield unversioned(binding["valueSet"])
    for extension in binding.get("extension", ()):
        if extension["url"] == MAX_VALUE_SET:
            yield unversioned(extension["valueCanonical"])


def unversioned(canonical: str) -> str:
    """A canonical url without its `|version`."""
    return canonical.split("|", 1)[0]


def closure(package: Slice) -> tuple[set[str], dict[str, str]]:
    """The urls of the slice, and what is missing from the package: url to the url that asks for it."""
    inside: set[str] = set()
    missing: dict[str, str] = {}
    waiting = [(url, "the roots") for url in roots(package)]
    while waiting:
        url, asked_by = waiting.pop()
        if url in inside or url in NOT_HELD:
            continue
        if url not in package.by_url:
            missing[url] = asked_by
            continue
        inside.add(url)
        waiting.extend((needed, url) for needed in needs(package.by_url[url]))
    return inside, missing


def main() -> int:
    """Copies the slice, or with `--check` compares it; returns the exit code."""
    arguments = argparse.ArgumentParser(description="Make schemas/r4/core anew from the official packages.")
    arguments.add_argument("package", type=Path, help="directory of the unpacked hl7.fhir.r4.examples 4.0.1")
    arguments.add_argument("extensions", type=Path, help="directory of the unpacked hl7.fhir.uv.extensions.r4")
    arguments.add_argument("--check", action="store_true", help="write nothing, only say what differs")
    given = arguments.parse_args()

    package = Slice.read(given.package).beside(Slice.read(given.extensions))
    inside, missing = closure(package)
    for url, asked_by in sorted(missing.items()):
        sys.stderr.write(f"in neither package: {url} (needed by {asked_by})\n")
    if missing:
        return 1

    wanted = {package.file_of[url].name: package.file_of[url].read_bytes() for url in inside}
    if len(wanted) < len(inside):
        raise ValueError("Two files of the slice share a name")
    present = {path.name: path.read_bytes() for path in CORE.glob("*.json")}
    names = wanted.keys() | present.keys()
    differing = sorted(name for name in names if wanted.get(name) != present.get(name))
    if given.check:
        sys.stdout.write("".join(f"differs: {name}\n" for name in differing))
        return 1 if differing else 0
    CORE.mkdir(parents=True, exist_ok=True)
    for name in differing:
        if name in wanted:
            (CORE / name).write_bytes(wanted[name])
        else:
            (CORE / name).unlink()
    size = sum(map(len, wanted.values())) / 1e6
    sys.stdout.write(f"{len(wanted)} files, {size:.1f} MB, {len(differing)} changed, in {CORE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
