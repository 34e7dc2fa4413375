"""Purposes, consent and rights in the path of a message; requests of subjects, incidents, what of the law is kept."""
