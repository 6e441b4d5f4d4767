"""One generated loop for operators that stand one behind the other in a stage."""
