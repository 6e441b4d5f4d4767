"""The scheduler of runs: ready counters over the units of scopes, each activation journalled."""
