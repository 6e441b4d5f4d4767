"""Where streams go. Every sink says how often a record arrives: `delivery`."""
