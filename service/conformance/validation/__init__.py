"""Validation of resources, compiled from their definitions (https://hl7.org/fhir/R4/validation.html)."""
