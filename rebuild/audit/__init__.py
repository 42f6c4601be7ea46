"""Audit: answers cleaned, their claims held against what our own models see, and what that is worth."""
