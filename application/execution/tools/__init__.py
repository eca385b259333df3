"""What tools do, one module per kind."""
