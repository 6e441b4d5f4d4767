"""Types of the ports inside containers."""

from typing import Final

from weft_engine.nodes.port_type import NUMBER, ROW, PortType

__all__ = ["NUMBER", "ROW", "T_", "U_"]

T_: Final = PortType("T")
"""What is given to a container."""
U_: Final = PortType("U")
"""What its body makes of that."""
