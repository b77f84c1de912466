"""Native 2.0.1: a charging station that speaks it itself, checked against the rules of the specification."""
