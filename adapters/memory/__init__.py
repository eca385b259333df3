"""Every port in memory: for tests and embedding, with the same behaviour."""
