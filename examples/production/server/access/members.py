"""What belongs to whom: a session, an event or a file of one user is closed to every other."""

from collections.abc import Iterable

from server.access.base import NO_PATH, Access
from server.access.identity import User
from server.access.store import Store
from server.settings import ServerSettings

FOR_STRANGERS = frozenset({"GET /theme.css", "GET /favicon.ico", "GET /robots.txt", "GET /gradio_api/app_id"})
"""The last lets a page whose sign-in ended while it was cut off come back, which leads to the sign-in."""


class Members(Access):
    """Base of the modes in which visitors are known.

    Sessions and events belong to whoever names them first: their ids are random, and only their owner knows them. A
    file belongs to whoever uploaded it or got it in an answer; those of the page itself, such as examples, to all.
    """

    known_only = True
    public = FOR_STRANGERS

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        """Keep what is known in `store`."""
        super().__init__(settings)
        self.store = store

    async def owns(self, user: User, ids: Iterable[str], files: Iterable[str], links: Iterable[str] = ()) -> bool:
        """Tell whether everything that a request names may be used by this user."""
        try:
            kept = set(self.of_users(files))
        except NO_PATH:
            return False
        for name in ids:
            if await self.store.claim(f"id:{name}", user.owner, self.settings.sign_in_ttl) != user.owner:
                return False
        names = [f"file:{user.owner}:{path}" for path in kept] + [f"link:{user.owner}:{link}" for link in links]
        return all([await self.store.has(name) for name in names])

    async def give(self, user: User, ids: Iterable[str], files: Iterable[str], links: Iterable[str] = ()) -> None:
        """Keep whose things these are. A link may have several owners, who made it of a page that looks the same."""
        for name in ids:
            await self.store.claim(f"id:{name}", user.owner, self.settings.sign_in_ttl)
        for path in self.kept(files):
            await self.store.put(f"file:{user.owner}:{path}", self.settings.file_ttl)
        for link in links:
            await self.store.put(f"link:{user.owner}:{link}", self.settings.file_ttl)
