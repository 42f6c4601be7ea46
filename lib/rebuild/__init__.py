"""Rebuild: a folder of pictures without captions becomes an audited caption dataset."""
