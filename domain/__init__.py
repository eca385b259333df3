"""Entities, their invariants and their transitions; standard library only."""
