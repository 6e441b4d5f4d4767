"""From a flow to what runs: wiring, checks and lowering."""
