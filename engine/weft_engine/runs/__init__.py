"""Runs of flows: running one, recording it, and the process that does so beside the server."""
