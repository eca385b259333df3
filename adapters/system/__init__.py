"""The wall clock and ids."""
