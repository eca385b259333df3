"""Descriptions of services, read as tools."""
