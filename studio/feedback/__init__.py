"""Human feedback: labelling projects, leases, judgements, what they are worth, and how they become training data."""
