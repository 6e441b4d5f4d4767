"""The built-in node types, one module for each kind of work.

The catalogue finds them by walking this package, as it does with every package that offers nodes.
"""
