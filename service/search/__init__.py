"""FHIR search: from a query to a predicate, from a resource to its index (https://hl7.org/fhir/R4/search.html)."""
