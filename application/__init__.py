"""Use cases over ports; standard library and the domain only."""
