"""Files that come and go."""

import tempfile
from pathlib import Path

import gradio as gr

from ..kit import listen, media, page


def written(text: str, name: str = "made.txt") -> str:
    """Write a file into a folder of its own, as handlers do."""
    uploads = Path(gr.utils.get_upload_folder())
    uploads.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(dir=uploads)) / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@page()
def file():
    with gr.Blocks() as demo:
        given, shown = gr.File(label="Given", file_types=[".txt", ".csv"]), gr.Textbox(label="Shown")
        given.upload(lambda path: Path(path).read_text(), given, shown, api_name="read")
        listen(given)
    return demo


@file.act
def _(visitor):
    visitor.upload(media("note.txt"))
    visitor.sees("Shown=one line")
    visitor.hears("File.upload", "File.change")


@page()
def made_file():
    with gr.Blocks() as demo:
        name, made = gr.Textbox("Ada", label="Name"), gr.File(label="Made")
        gr.Button("Make").click(lambda name: written(f"for {name}"), name, made, api_name="make")
        listen(made)
    return demo


@made_file.act
def _(visitor):
    visitor.click("Make")
    visitor.sees("made", ".txt")
    visitor.downloads(visitor.page.locator("a[download]").first)
    visitor.hears("File.change")


@page(ask={"/names": {}})
def files():
    with gr.Blocks() as demo:
        given = gr.Files(value=[media("note.txt"), media("table.csv")], label="Given")
        shown = gr.JSON(label="Names")
        gr.Button("Names").click(lambda paths: [Path(path).name for path in paths], given, shown, api_name="names")
        listen(given)
    return demo


@files.act
def _(visitor):
    visitor.click("Names")
    visitor.sees('"note.txt"')


@page()
def upload_button():
    with gr.Blocks() as demo:
        send, shown = gr.UploadButton("Send", file_count="multiple", file_types=["text"]), gr.Number(label="Count")
        send.upload(lambda paths: len(paths), send, shown, api_visibility="undocumented")
        listen(send)
    return demo


@upload_button.act
def _(visitor):
    visitor.upload(media("note.txt"), media("table.csv"))
    visitor.sees("Count=2")
    visitor.hears("UploadButton.upload")


@page()
def upload_bytes():
    return gr.Interface(lambda content: len(content), gr.File(type="binary", label="In"), gr.Number(label="Bytes"),
                        flagging_mode="never", api_name="size")


@upload_bytes.act
def _(visitor):
    visitor.upload(media("note.txt"))
    visitor.sees("note")
    visitor.click("Submit")
    visitor.sees("Bytes=9")


@page()
def download_button():
    with gr.Blocks() as demo:
        take = gr.DownloadButton("Take it", value=media("table.csv"))
        listen(take)
    return demo


@download_button.act
def _(visitor):
    visitor.downloads(visitor.page.get_by_text("Take it"))
    visitor.hears("DownloadButton.click")


@page()
def made_download():
    with gr.Blocks() as demo:
        make = gr.Button("Make")
        take = gr.DownloadButton("Take it", visible=False)
        make.click(lambda: gr.DownloadButton(value=written("a,b\n", "made.csv"), visible=True), None, take,
                   api_visibility="undocumented")
    return demo


@made_download.act
def _(visitor):
    visitor.click("Make")
    visitor.downloads(visitor.page.get_by_text("Take it"))


@page()
def file_explorer():
    with gr.Blocks() as demo:
        given = gr.FileExplorer(root_dir=media("public"), label="Given", file_count="single")
        shown = gr.Textbox(label="Shown")
        given.change(lambda path: Path(path).name if path else "", given, shown, api_visibility="undocumented")
        listen(given)
    return demo


@file_explorer.act
def _(visitor):
    visitor.sees("shared.txt")
    visitor.page.get_by_role("checkbox").first.check(force=True)
    visitor.sees("Shown=shared.txt")


@page()
def file_in_the_working_folder():
    with gr.Blocks() as demo:
        made = gr.File(label="Made")

        def make():
            Path("report.csv").write_text("a,b\n", encoding="utf-8")
            return "report.csv"

        gr.Button("Make").click(make, None, made, api_name="make")
    return demo


@file_in_the_working_folder.act
def _(visitor):
    visitor.click("Make")
    visitor.sees_one_of(".csv", "Error")


@page()
def file_of_the_server():
    with gr.Blocks() as demo:
        path, shown = gr.Textbox("/etc/hostname", label="Path"), gr.File(label="Shown")
        gr.Button("Show").click(lambda path: path, path, shown, api_name="show")
    return demo


@file_of_the_server.act
def _(visitor):
    visitor.click("Show")
    visitor.sees("Error")


@page()
def file_in_the_temporary_folder():
    with gr.Blocks() as demo:
        made = gr.File(label="Made")

        def make():
            path = Path("/tmp") / "conformance-report.csv"
            path.write_text("a,b\n", encoding="utf-8")
            return str(path)

        gr.Button("Make").click(make, None, made, api_name="make")
    return demo


@file_in_the_temporary_folder.act
def _(visitor):
    visitor.click("Make")
    visitor.sees_one_of(".csv", "Error")


@page()
def temporary_file():
    with gr.Blocks() as demo:
        made = gr.File(label="Made")

        def make():
            path = Path(tempfile.mkdtemp()) / "temporary.txt"
            path.write_text("for a while", encoding="utf-8")
            return str(path)

        gr.Button("Make").click(make, None, made, api_name="make")
    return demo


@temporary_file.act
def _(visitor):
    visitor.click("Make")
    visitor.sees("temporary", ".txt")
    visitor.downloads(visitor.page.locator("a[download]").first)


@page(allowed_paths=["public"])
def allowed_paths():
    with gr.Blocks() as demo:
        shown = gr.File(label="Shown")
        gr.Button("Show").click(lambda: media("public/shared.txt"), None, shown, api_name="show")
    return demo


@allowed_paths.act
def _(visitor):
    visitor.click("Show")
    visitor.sees("shared", ".txt")
    visitor.downloads(visitor.page.locator("a[download]").first)


@page(blocked_paths=["closed"])
def blocked_paths():
    with gr.Blocks() as demo:
        shown = gr.File(label="Shown")

        def show():
            path = Path("closed/secret.txt").resolve()
            path.parent.mkdir(exist_ok=True)
            path.write_text("for nobody", encoding="utf-8")
            return str(path)

        gr.Button("Show").click(show, None, shown, api_name="show")
    return demo


@blocked_paths.act
def _(visitor):
    visitor.click("Show")
    visitor.sees("Error")


@page(max_file_size=1_000_000)
def max_file_size():
    with gr.Blocks() as demo:
        given, shown = gr.File(label="Given"), gr.Textbox(label="Shown")
        given.upload(lambda path: "came", given, shown, api_visibility="undocumented")
    return demo


@max_file_size.act
def _(visitor):
    visitor.upload(bytes(1_500_000))
    visitor.sees_one_of("too large", "exceeds", "maximum", "limit")
