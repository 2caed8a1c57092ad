"""What may differ from plain Gradio. README says the same under the same title, held together by a test."""

import re
from dataclasses import dataclass

TITLE = "Other than plain Gradio"


@dataclass(frozen=True)
class Difference:
    """One allowed difference."""

    title: str
    reason: str
    line: str
    """What the lines of `views.differences` look like, as a regular expression."""
    pages: frozenset[str] = frozenset()
    """Where; everywhere if there are none."""

    def covers(self, page: str, line: str) -> bool:
        """Tell whether a line is this difference."""
        return (not self.pages or page in self.pages) and re.fullmatch(self.line, line, re.DOTALL) is not None


ALLOWED = [
    Difference(
        "The footer names the API and the settings, not Gradio nor the runs",
        "it is the app's; `page=Page(footer_links=...)`. A history of runs would keep in browsers what visitors send",
        r"text: only (plain|here): (Built with Gradio.*|Runs|Run History|·)",
    ),
    Difference(
        "With a sign-in, a line on top says who is signed in",
        "people share machines",
        r"(text: only here: (Signed in as .*|Sign out|Ada.*))",
    ),
    Difference(
        "A handler cannot send a file that lies in the project or in the system's temporary folder",
        "others keep secrets there; `assets/`, `settings.upload_dir` and what `tempfile` makes go out. The page gives "
        "an id, by which the log names the file and a better place",
        r"(text|fields|requests|answers|files|notes|errors|console): .*",
        frozenset(
            {"file_in_the_working_folder", "file_in_the_temporary_folder", "file_of_the_server", "blocked_paths"}
        ),
    ),
    Difference(
        "`show_error=True` shows no text of unexpected errors",
        "they may hold secrets; the page shows an id that the log has too",
        r"(text|answers): .*",
        frozenset({"shown_error"}),
    ),
    Difference(
        "`gr.DeepLinkButton` makes no link until `APP_DEEP_LINKS=true`",
        "a link holds all that a visitor has entered",
        r"(text|fields|requests|console|errors|notes): .*",
        frozenset({"deep_link_button"}),
    ),
    Difference(
        "`gr.LoginButton` signs nobody in",
        "the answer `auth_mode` does, with Hugging Face too",
        r"(text|fields|requests|console|errors|notes): .*",
        frozenset({"login_button"}),
    ),
    Difference(
        "Pictures, scripts and fonts of other sites are kept out",
        "whoever serves them sees who visits; `APP_CONTENT_SOURCES` lets a site in",
        r"(pictures|requests|console|text|notes): .*",
        frozenset({"picture_of_another_site", "workflow_canvas"}),
    ),
]


def allowed(page: str, line: str) -> str:
    """Name the difference that a line is, or nothing."""
    return next((each.title for each in ALLOWED if each.covers(page, line)), "")
