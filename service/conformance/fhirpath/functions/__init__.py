"""The functions of FHIRPath, and those that FHIR and SQL on FHIR add (http://hl7.org/fhirpath/N1/#functions)."""

from service.conformance.fhirpath.functions.boundaries import BOUNDARIES
from service.conformance.fhirpath.functions.combining import COMBINING
from service.conformance.fhirpath.functions.existence import EXISTENCE
from service.conformance.fhirpath.functions.filtering import FILTERING
from service.conformance.fhirpath.functions.keys import KEYS
from service.conformance.fhirpath.functions.references import REFERENCES
from service.conformance.fhirpath.functions.subsetting import SUBSETTING
from service.conformance.fhirpath.functions.texts import TEXTS
from service.conformance.fhirpath.functions.tree import TREE
from service.conformance.fhirpath.functions.types import TYPES

FUNCTIONS = EXISTENCE | FILTERING | SUBSETTING | COMBINING | TREE | TEXTS | TYPES | REFERENCES | BOUNDARIES | KEYS
"""Each function by its name, and how many arguments it can have."""
