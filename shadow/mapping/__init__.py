"""What each field of OCPP 1.6 is in 2.0.1, as tables: one module per feature profile, one way to read them all."""
