"""Billing records of the primary (OCPI CDRs and sessions, tables): from files and topics to `record` frames."""
