"""The media types of resources and of patches (https://hl7.org/fhir/R4/http.html#mime-type, #patch)."""

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
JSON_PATCH = "application/json-patch+json"
NDJSON = "application/fhir+ndjson"
XML_PATCH = "application/xml-patch+xml"
