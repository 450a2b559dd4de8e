"""FHIRPath, compiled: paths of search parameters and invariants (http://hl7.org/fhirpath/N1/)."""
