"""Originals: the calls, command lines and file conventions of the systems this grew from, thin over lib."""
