"""The Streamlit pages. No SQL and no rules: queries live in `diff.store`."""
