"""Technology behind the ports: one folder for each."""
