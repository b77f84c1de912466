"""Simulated 1.6 charging stations and a small primary CSMS, both on the `ocpp` package."""
