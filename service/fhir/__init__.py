"""FHIR's own building blocks: versions, outcomes, references, dates, JSON, bundles. Knows no other layer."""
