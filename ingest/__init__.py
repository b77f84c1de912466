"""Ingest states facts: what passed on the wire, and when. It imports no other room."""
