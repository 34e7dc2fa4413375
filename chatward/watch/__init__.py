"""The watch for copies of a bot: names like ours, certificates for them, pages like ours; cases and letters."""
