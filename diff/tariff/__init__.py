"""OCPI 2.2.1 tariffs applied to sessions, in exact numbers. Pure."""
