"""Watching the processes: metrics, health, logs, standing still, and the doctor."""
