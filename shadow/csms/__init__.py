"""The 2.0.1 CSMS: it knows only 2.0.1 messages."""
