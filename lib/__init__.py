"""Lookbook's library: thin, one direction of imports, top to bottom as listed in README."""

__version__ = "0.1.0"
