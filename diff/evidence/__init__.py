"""The evidence pack of a cohort: what a laboratory or a board is given, as data and as a document made of it. Pure."""
