"""$export: the FHIR Bulk Data Access operations (https://hl7.org/fhir/uv/bulkdata/STU2/export.html)."""
