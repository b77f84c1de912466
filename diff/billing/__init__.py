"""Billing records beside the sessions that they bill: matching, settling and comparing. Pure."""
