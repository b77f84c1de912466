"""The gates: is the evidence of a cohort enough, and good enough, to move it to 2.0.1? Pure, fed with counts."""
