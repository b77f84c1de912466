"""Shadow forms beliefs: it lives 1.6 traffic as a 2.0.1 charging station and a 2.0.1 CSMS would."""
