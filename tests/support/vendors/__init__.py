"""Fake vendors of models over real sockets: a module for each wire format, one for hostile ones."""
