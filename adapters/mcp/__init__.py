"""Remote tools, over the Model Context Protocol."""
