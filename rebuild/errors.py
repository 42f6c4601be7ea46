"""What a user of the rebuild can cause, told in one line."""


class RebuildError(ValueError):
    """A folder, a store or a setting with which a rebuild cannot go on; the message says which and why."""
