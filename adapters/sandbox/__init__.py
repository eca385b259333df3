"""Users' code, run where it can reach nothing."""
