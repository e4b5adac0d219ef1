"""The refusal of a file."""


class Refused(Exception):
    """The file cannot be kept; ``message`` tells its owner why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("refused")
        self.message = message
