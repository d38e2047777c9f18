"""Why something that a front end asked for is not done, in words for whoever asked."""


class Refused(Exception):
    """What was asked for is well formed and may not be done now; `reason` is for programs."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason


class Invalid(Exception):
    """What was asked for names something wrong; the message begins with the name of the field."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
