"""The watch that looks at the store and tells whoever is on call: topic, webhook, terminal."""
