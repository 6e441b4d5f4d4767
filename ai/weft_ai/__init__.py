"""The assistant of Weft: language to flows and back."""
