"""Other systems beside ours: the same work, in the same run, in turns."""
