"""What is counted while a job runs, and how it is shown."""
