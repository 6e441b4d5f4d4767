"""Where the units of a run work: in this process, in others, on Ray."""
