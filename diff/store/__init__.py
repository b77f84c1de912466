"""The ClickHouse store: schema, client, writer, and the embedded engine. The only room with SQL in it."""
