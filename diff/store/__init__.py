"""The ClickHouse store: migrations, the one client, the writer, the queries and the embedded engine."""
