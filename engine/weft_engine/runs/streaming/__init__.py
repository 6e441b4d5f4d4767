"""Runs that live: flows in streaming mode on the streaming runtime of the kernel."""
