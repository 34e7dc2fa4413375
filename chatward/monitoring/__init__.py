"""Entries of the ledger on their way to others: SIEM, alerts, metrics. Never on the way of a message."""
