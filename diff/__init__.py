"""Diff passes judgement: it folds the primary's ledger, compares it with the shadow and keeps what disagrees."""
