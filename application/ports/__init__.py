"""What the core needs from outside. Adapters implement these; nothing here does."""
