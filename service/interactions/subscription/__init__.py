"""Subscription: telling receivers what is new (https://hl7.org/fhir/R4/subscription.html)."""
