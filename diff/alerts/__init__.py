"""Alerts: what somebody has to be told of what is stored, once when it begins and once when it is over. Pure."""
