"""Proof of who speaks: signed replies, the manifest with the keys that sign them, and how both are verified."""
