"""Reading and writing the variable-length encoding that Yjs frames are made of.

Everything here works on bytes of strangers: each read is bounded by what is really there.
"""


class ProtocolError(Exception):
    """A client sent what no honest client sends; its connection is closed."""

    def __init__(self, reason: str, close_code: int = 4400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.close_code = close_code


MAX_CLIENT = 1 << 53
MAX_CLOCK = 1 << 31


class Reader:
    """A cursor over untrusted bytes."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.end = len(data)

    @property
    def left(self) -> int:
        """How many bytes are still unread."""
        return self.end - self.position

    def byte(self) -> int:
        """The next byte."""
        position = self.position
        if position >= self.end:
            raise ProtocolError("the frame ends too early")
        self.position = position + 1
        return self.data[position]

    def uint(self) -> int:
        """An unsigned number of at most 56 bits."""
        data, end = self.data, self.end
        position = self.position
        value = shift = 0
        while position < end:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.position = position
                return value
            shift += 7
            if shift > 49:
                raise ProtocolError("a number is too long")
        raise ProtocolError("the frame ends too early")

    def skip(self, count: int) -> None:
        """Step over bytes that hold nothing to check."""
        if count > self.end - self.position:
            raise ProtocolError("a length points beyond the frame")
        self.position += count

    def count(self) -> int:
        """A number of things that follow, of at least one byte each."""
        count = self.uint()
        if count > self.end - self.position:
            raise ProtocolError("a count points beyond the frame")
        return count

    def block(self) -> bytes:
        """Bytes that carry their length."""
        start = self.position_after(self.uint())
        return self.data[start : self.position]

    def string(self, longest: int) -> str:
        """UTF-8 text that carries its length in bytes."""
        length = self.uint()
        if length > longest:
            raise ProtocolError("a text is too long")
        start = self.position_after(length)
        try:
            return self.data[start : self.position].decode()
        except UnicodeDecodeError:
            raise ProtocolError("a text is not UTF-8") from None

    def position_after(self, length: int) -> int:
        """Step over `length` bytes and tell where they began."""
        start = self.position
        self.skip(length)
        return start

    def client(self) -> int:
        """A Yjs client id."""
        client = self.uint()
        if client >= MAX_CLIENT:
            raise ProtocolError("a client id is out of range")
        return client

    def clock(self) -> int:
        """A Yjs clock."""
        clock = self.uint()
        if clock >= MAX_CLOCK:
            raise ProtocolError("a clock is out of range")
        return clock

    def finish(self) -> None:
        """Nothing may follow."""
        if self.position != self.end:
            raise ProtocolError("bytes follow the end of the frame")


def uint(value: int) -> bytes:
    """Encode an unsigned number."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def block(data: bytes) -> bytes:
    """Encode bytes with their length in front."""
    return uint(len(data)) + data


def string(text: str) -> bytes:
    """Encode a text with its length in bytes in front."""
    return block(text.encode())


def read_state(data: bytes) -> dict[int, int]:
    """A state vector: how many clocks of each client are known."""
    reader = Reader(data)
    count = reader.uint()
    # The decoder behind us reserves memory by this number, before it reads any further.
    if count > reader.left // 2:
        raise ProtocolError("a state vector counts more clients than it holds")
    state = {reader.client(): reader.clock() for _ in range(count)}
    reader.finish()
    return state
