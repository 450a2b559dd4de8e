"""The recovery-orientation audit as pictures and tables, from what is published of it and nothing else."""
