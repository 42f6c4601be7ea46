"""Rebuild, the application of notebooks 04 and 05: a folder of bare pictures becomes an audited dataset."""
