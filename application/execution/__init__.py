"""The interpreter: walks a graph, knows no engine, meets the world through ports."""
