"""People who learn while they chat: a tip at the moment it matters, what it led to, and what the bot is guarded by."""
