"""Templates, expressions and JSON Schema."""
