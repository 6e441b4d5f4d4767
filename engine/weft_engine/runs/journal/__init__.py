"""What a run has done, on disk, so that it goes on after a crash and does nothing twice."""
