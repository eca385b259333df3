"""Requests to the world outside, through one guard."""
