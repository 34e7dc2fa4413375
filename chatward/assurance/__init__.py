"""What bots are made of, who runs them, and reports made of evidence."""
