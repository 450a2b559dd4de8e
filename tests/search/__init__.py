"""Search as a user sees it: fixed resources, tables of searches, and what each has to find."""
