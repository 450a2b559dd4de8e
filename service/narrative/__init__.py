"""What people read: the narrative of a resource, and the plan as a page."""
