"""Who asks, what they may see and change, and what is audited."""
