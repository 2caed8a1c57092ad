"""Sounds and films: shown, recorded, uploaded, and made while one listens."""

import gradio as gr

from ..kit import asset, listen, media, page


@page()
def audio():
    with gr.Blocks() as demo:
        given = gr.Audio(sources=["upload"], type="filepath", label="Given", interactive=True)
        again = gr.Audio(label="Again", autoplay=False)
        given.upload(lambda path: path, given, again, api_name="again")
        listen(given, skip=("stream",))
    return demo


@audio.act
def _(visitor):
    visitor.upload(media("tone.wav"))
    visitor.hears("Audio.upload", "Audio.change", "Audio.input")


@page(ask={"/loud": {}})
def audio_numbers():
    def loud(sound):
        rate, values = sound
        return rate, values // 2

    return gr.Interface(loud, gr.Audio(media("tone.wav"), label="In"), gr.Audio(label="Out", format="wav"),
                        flagging_mode="never", api_name="loud")


@audio_numbers.act
def _(visitor):
    visitor.click("Submit")
    visitor.takes("audio", 2)


@page()
def microphone():
    with gr.Blocks() as demo:
        given, heard = gr.Microphone(label="Given", streaming=True), gr.Number(0, label="Pieces")
        given.stream(lambda piece, count: min(count + 1, 2), [given, heard], heard, stream_every=0.2,
                     api_visibility="undocumented")
        listen(given, skip=("stream",))
        other = gr.Audio(sources=["microphone"], streaming=True, label="Other")
        other.stream(lambda piece: None, other, None, api_visibility="undocumented")
    return demo


@microphone.act
def _(visitor):
    visitor.click("Record")
    visitor.sees("Pieces=2")
    visitor.click("Stop")
    visitor.hears("Microphone.start_recording", "Microphone.stop_recording")


@page()
def recorded_audio():
    with gr.Blocks() as demo:
        given, size = gr.Audio(sources=["microphone"], type="filepath", label="Given"), gr.Textbox(label="Is")
        given.stop_recording(lambda path: "there" if path else "nothing", given, size, api_visibility="undocumented")
    return demo


@recorded_audio.act
def _(visitor):
    visitor.click("Record")
    visitor.page.get_by_role("button", name="Stop").wait_for()
    visitor.click("Stop")
    visitor.sees("Is=there")


@page(ask={"/sing": {}})
def audio_streaming_out():
    with gr.Blocks() as demo:
        sound = gr.Audio(streaming=True, autoplay=False, label="Sound")

        def sing():
            for name in ("tone.wav", "other.wav"):
                yield asset(name)

        gr.Button("Sing").click(sing, None, sound, api_name="sing")
        listen(sound, skip=("stream",))
    return demo


@audio_streaming_out.act
def _(visitor):
    visitor.click("Sing")
    visitor.fetches("playlist.m3u8", ".aac")


@page()
def video():
    with gr.Blocks() as demo:
        given = gr.Video(sources=["upload"], label="Given", interactive=True)
        again = gr.Video(label="Again", subtitles=media("subtitles.vtt"))
        given.upload(lambda path: path, given, again, api_name="again")
        listen(given)
    return demo


@video.act
def _(visitor):
    visitor.upload(media("film.mp4"))
    visitor.hears("Video.upload", "Video.change", "Video.input")
    visitor.takes("video", 2)


@page()
def shown_video():
    with gr.Blocks() as demo:
        film = gr.Video(media("film.mp4"), label="Film", loop=False, include_audio=False)
        listen(film, skip=("start_recording", "stop_recording"))
    return demo


@shown_video.act
def _(visitor):
    visitor.page.locator("video").evaluate("video => { video.muted = true; return video.play() }")
    visitor.hears("Video.play", "Video.end")


@page()
def playable_video():
    with gr.Blocks() as demo:
        listen(gr.PlayableVideo(media("film.mp4"), label="Film"))
    return demo


@page(ask={"/show": {}})
def video_streaming_out():
    with gr.Blocks() as demo:
        film = gr.Video(streaming=True, autoplay=True, label="Film")

        def show():
            yield asset("piece.ts")

        gr.Button("Show").click(show, None, film, api_name="show")
    return demo


@video_streaming_out.act
def _(visitor):
    visitor.click("Show")
    visitor.fetches("playlist.m3u8", ".ts")


@page()
def webcam():
    with gr.Blocks() as demo:
        given, seen = gr.Image(sources=["webcam"], streaming=True, label="Given"), gr.Number(0, label="Frames")
        given.stream(lambda frame, count: min(count + 1, 2), [given, seen], seen, stream_every=0.2,
                     api_visibility="undocumented")
        listen(given, skip=("stream",))
    return demo


@webcam.act
def _(visitor):
    visitor.click("Click to Access Webcam")
    visitor.click("capture photo")
    visitor.sees("Frames=2")
