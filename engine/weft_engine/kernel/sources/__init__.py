"""Where streams come from. Every source says whether it ends, and whether it can be read again."""
