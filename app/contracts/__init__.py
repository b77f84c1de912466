"""What consumers of the topics may rely on: AsyncAPI, JSON Schemas, and what may change."""
