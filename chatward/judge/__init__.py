"""An optional third tier: a language model is asked about texts that the first two tiers are unsure of."""
