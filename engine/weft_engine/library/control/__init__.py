"""Control flow: deciding, merging, looping, trying, waiting, calling other flows."""
