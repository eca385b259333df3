"""Large values, each a thing of its own."""
