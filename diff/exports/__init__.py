"""Exports: what is stored as tables for others, with the meaning of every column, and without a frame's text. Pure."""
