"""The operators of FHIRPath over collections (http://hl7.org/fhirpath/N1/#operations)."""

from service.conformance.fhirpath.operators.arithmetic import ARITHMETIC
from service.conformance.fhirpath.operators.comparison import COMPARISON
from service.conformance.fhirpath.operators.logic import LOGIC

OPERATORS = LOGIC | COMPARISON | ARITHMETIC
"""Each operator by how it is written; those that need to know the types are the compiler's own."""
