"""What each FHIR interaction means (https://hl7.org/fhir/R4/http.html)."""
