"""The server of Weft: a Litestar application that hosts live flows."""
