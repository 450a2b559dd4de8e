"""Exports in bulk."""
