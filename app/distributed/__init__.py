"""The distributed runtime: each process between the taps and ClickHouse, and what they are made of."""
