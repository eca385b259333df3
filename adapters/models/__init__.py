"""Models of vendors, over their own wire formats."""
