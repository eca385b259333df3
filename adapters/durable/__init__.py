"""Runs that are not lost: an engine over storage, whose records outlive the process."""
