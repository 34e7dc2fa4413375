"""Sigma rules over entries of the ledger: read, compiled and matched in the process that follows it."""
