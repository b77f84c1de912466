"""The whole system on one machine without Docker: the compose file's services as processes, and a real Kafka."""
