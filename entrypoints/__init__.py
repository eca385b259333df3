"""Where a process begins: settings, composition root, commands."""
