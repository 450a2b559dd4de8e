"""$import: many resources as newline-delimited JSON, each stored as an update under its own id would store it.

No specification of it is final. The manifest has the form of the drafts that Bulk Data Access refers to
(https://github.com/smart-on-fhir/bulk-import); unlike there, the lines are the body of the request, so that the service
never fetches from an address that somebody gives it.
"""
