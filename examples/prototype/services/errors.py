"""What services say to whoever asked."""


class InputError(ValueError):
    """Something that the visitor can put right. The page shows its text as it is, under its `title` if it has one."""

    for_visitor = True
