"""Administrative commands about one person: ``recovery-plan person erase`` and ``recovery-plan person merge``."""
