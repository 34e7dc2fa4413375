"""Certificates from an ACME authority (RFC 8555): asked for at the start, and renewed before they end."""
