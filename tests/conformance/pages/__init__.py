"""The pages, by kind. Importing this package fills the registry."""

from . import chats, choices, files, flows, layouts, looks, pictures, reported, sounds, tables, texts

__all__ = ["chats", "choices", "files", "flows", "layouts", "looks", "pictures", "reported", "sounds", "tables", "texts"]
