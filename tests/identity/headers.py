"""Request headers for tests: names in lower case, in the order given."""


class Headers:
    def __init__(self, pairs):
        self._pairs = list(pairs)

    def get(self, key, default=None):
        return next((value for name, value in self._pairs if name == key), default)

    def get_all(self, key):
        return [value for name, value in self._pairs if name == key]

    def __contains__(self, key):
        return any(name == key for name, _ in self._pairs)


def headers(*pairs):
    return Headers(pairs)
