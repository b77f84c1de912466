"""Logs and topics of other systems as a way in: a mapping file says where things stand, frames come out."""
