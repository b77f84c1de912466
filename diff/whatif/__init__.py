"""What if: sessions lived again under other settings, before any charging station is told."""
