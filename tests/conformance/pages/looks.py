"""What `launch()` takes for the look of a page."""

import gradio as gr

from ..kit import media, page


def one_line(text: str = "A line", **options) -> gr.Blocks:
    """Build a page with one line that styles can be seen on."""
    with gr.Blocks(**options) as demo:
        gr.Markdown(text, elem_id="styled", elem_classes=["mine"])
        gr.Textbox("x", label="Field")
    return demo


COLOR = "getComputedStyle(document.querySelector('#styled')).color"


@page(css="#styled { color: rgb(9, 8, 7) }")
def css():
    return one_line()


@css.act
def _(visitor):
    visitor.finds(COLOR, "rgb(9, 8, 7)")


@page(css_paths=media("style.css"))
def css_paths():
    return one_line()


@css_paths.act
def _(visitor):
    visitor.finds(COLOR, "rgb(1, 2, 3)")


@page(js="() => { document.title = 'By a script' }")
def js():
    return one_line()


@js.act
def _(visitor):
    visitor.finds("document.title", "By a script")


@page(head="<meta name='mine' content='yes'><script>window.fromHead = 'ran'</script>")
def head():
    return one_line()


@head.act
def _(visitor):
    visitor.finds("document.querySelector('meta[name=mine]').content", "yes")
    visitor.finds("window.fromHead", "ran")


@page(head_paths=media("head.html"))
def head_paths():
    return one_line()


@head_paths.act
def _(visitor):
    visitor.finds("document.querySelector('meta[name=from-a-file]').content", "yes")


@page(theme=gr.themes.Monochrome(primary_hue="rose"))
def theme():
    return one_line()


@theme.act
def _(visitor):
    visitor.notes("getComputedStyle(document.querySelector('gradio-app, .gradio-container')).getPropertyValue("
                  "'--primary-500').trim()")


@page(theme="soft")
def theme_by_name():
    return one_line()


@page()
def looks_of_gradio_5():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return one_line(css="#styled { color: rgb(5, 5, 5) }")


@looks_of_gradio_5.act
def _(visitor):
    visitor.finds(COLOR, "rgb(5, 5, 5)")


WORDS = gr.I18n(en={"hello": "Hello there", "field": "A field"}, de={"hello": "Guten Tag", "field": "Ein Feld"})


@page(i18n=WORDS)
def i18n():
    with gr.Blocks() as demo:
        gr.Markdown(WORDS("hello"))
        gr.Textbox(label=WORDS("field"))
    return demo


@i18n.act
def _(visitor):
    visitor.sees("Hello there", "A field")


@page(footer_links=["settings", {"label": "Terms", "url": "https://www.example.com/terms"}])
def footer_links():
    return one_line()


@page(favicon_path=media("picture.png"))
def favicon_path():
    return one_line(title="With an icon")


@page(root_path="")
def root_path():
    return one_line()


@page(run_history=True)
def run_history():
    return one_line()


@page(max_threads=3, state_session_capacity=9, strict_cors=True, quiet=True, app_kwargs={"title": "Named"})
def numbers_of_the_server():
    return one_line()


@page(enable_monitoring=True)
def enable_monitoring():
    return one_line()


@page()
def data_addresses():
    """Pictures and fonts in addresses of their own need no other site."""
    gif = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    with gr.Blocks() as demo:
        gr.Markdown(f"![inside]({gif}) <img src='{gif}' alt='too'>")
        gr.Image(media("picture.png"), label="A file")
    return demo


@page()
def markup_and_scripts_in_text():
    text = "<script>window.bad = 1</script><img src='data:,x' onerror='window.bad = 2'><a href='javascript:bad()'>a</a>"
    with gr.Blocks() as demo:
        gr.Markdown(text)
        gr.Markdown("<details><summary>More</summary>Inside</details>", sanitize_html=False)
        gr.Textbox(text, label="Text")
    return demo


@markup_and_scripts_in_text.act
def _(visitor):
    visitor.finds("String(window.bad)", "undefined")


CAT = "![A cat](https://pictures.example.com/cat.png) of another site"


@page()
def picture_of_another_site():
    return one_line(CAT)


@page(here={"content_sources": {"img-src": ["https://pictures.example.com"]}})
def picture_of_another_site_let_in():
    return one_line(CAT)


@picture_of_another_site_let_in.act
def _(visitor):
    visitor.takes("img", 1)
