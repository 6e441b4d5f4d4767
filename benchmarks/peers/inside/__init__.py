"""Programs that run in the environments of other systems; each needs nothing of ours."""
