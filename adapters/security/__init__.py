"""Passwords, tokens and encryption."""
