"""How fast callers may ask: requests, tokens, money and streams at once."""
