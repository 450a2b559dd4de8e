"""The recovery plan service: a FHIR server for co-produced mental-health recovery plans."""
