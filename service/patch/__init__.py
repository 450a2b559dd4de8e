"""Patches and differences of resources, as values (https://hl7.org/fhir/R4/http.html#patch).

Each function takes a resource as `service.fhir.json.parse` gives it and returns another; none changes what it takes.
``json_patch``, ``fhirpath_patch`` and ``xml_patch`` apply the three forms of a patch. ``diff`` says what is different
between two versions as a FHIRPath Patch. What paths lead to are ``places``, found by ``paths``; ``values`` are the
values of a patch as the parts of a Parameters resource have them.
"""
