"""Capture files and live captures: a way in that is not in the path. Packets in, the frames of the tap out."""
