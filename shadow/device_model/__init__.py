"""The device model of 2.0.1 as the shadow believes it: what is observed of a station, and the variables that follow."""
