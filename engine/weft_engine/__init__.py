"""The engine of Weft: flows, node types, compiler, kernel and runs."""
