"""The virtual 2.0.1 charging station: what the charger would have sent if it spoke 2.0.1."""
