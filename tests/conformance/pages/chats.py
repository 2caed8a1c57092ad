"""Conversations."""

import time

import gradio as gr

from ..kit import asset, listen, media, page


@page()
def chatbot():
    with gr.Blocks() as demo:
        said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "**Hello** $x^2$"}]
        chat = gr.Chatbot(said, label="Talk", buttons=["copy", "copy_all"], feedback_options=["Like", "Wrong"])
        word = gr.Textbox(label="Say")
        word.submit(lambda word, said: [*said, {"role": "user", "content": word}], [word, chat], chat, api_name="say")
        listen(chat)
    return demo


@chatbot.act
def _(visitor):
    visitor.fill("Say", "How are you?")
    visitor.press("Say", "Enter")
    visitor.sees("How are you?")
    visitor.hears("Chatbot.change")
    visitor.click("Like")
    visitor.hears("Chatbot.like")
    visitor.click("Clear")
    visitor.hears("Chatbot.clear")


@page()
def chatbot_with_examples():
    with gr.Blocks() as demo:
        chat = gr.Chatbot(examples=[{"text": "Tell me"}, {"text": "More"}], placeholder="# Ask", label="Talk")

        def chosen(event: gr.SelectData):
            return [{"role": "user", "content": event.value["text"]}]

        chat.example_select(chosen, None, chat, api_visibility="undocumented")
        listen(chat)
    return demo


@chatbot_with_examples.act
def _(visitor):
    visitor.page.get_by_role("button", name="Tell me").click()
    visitor.hears("Chatbot.example_select", "Chatbot.change")


@page()
def chatbot_with_options():
    ask = {"role": "assistant", "content": "Which?", "options": [{"value": "left"}, {"value": "right", "label": "Right!"}]}
    with gr.Blocks() as demo:
        chat, chosen = gr.Chatbot([ask], label="Talk"), gr.Textbox(label="Chosen")

        def choose(event: gr.SelectData):
            return str(event.value)

        chat.option_select(choose, None, chosen, api_visibility="undocumented")
        listen(chat)
    return demo


@chatbot_with_options.act
def _(visitor):
    visitor.page.get_by_role("button", name="Right!").click()
    visitor.sees("Chosen=right")
    visitor.hears("Chatbot.option_select")


@page()
def chatbot_with_media():
    with gr.Blocks() as demo:
        said = [
            {"role": "user", "content": {"path": media("picture.png"), "alt_text": "A gradient"}},
            {"role": "assistant", "content": gr.Audio(media("tone.wav"))},
            {"role": "assistant", "content": gr.Image(media("other.png"))},
            gr.ChatMessage(role="assistant", content="Thinking", metadata={"title": "A tool", "status": "done"}),
            {"role": "user", "content": {"path": media("note.txt")}},
        ]
        gr.Chatbot(said, label="Talk", layout="panel", avatar_images=(None, media("picture.png")), height=700)
    return demo


@page()
def chat_interface():
    def answer(message, history):
        text = f"You said {message}, after {len(history)}"
        for end in range(len(text) // 9, len(text) + 1, 9):
            time.sleep(0.02)
            yield text[:end]
        yield text

    return gr.ChatInterface(answer, title="Echo", description="It repeats", examples=["one", "two"], api_name="chat",
                            cache_examples=False)


@chat_interface.act
def _(visitor):
    visitor.says("three")
    visitor.sees("You said three, after 0")
    visitor.says("four")
    visitor.sees("You said four, after 2")
    visitor.click("Retry")
    visitor.sees("You said four, after 2")
    visitor.click("Undo")
    visitor.sees("=four")


@page()
def chat_with_cached_examples():
    return gr.ChatInterface(lambda message, history: message[::-1], examples=["abc", "xyz"], cache_examples=True,
                            api_name="chat", flagging_mode="manual", flagging_dir=media("flagged-chats"))


@chat_with_cached_examples.act
def _(visitor):
    visitor.page.get_by_role("button", name="abc").click()
    visitor.sees("cba")


@page(ask={"/chat": {"message": {"text": "Hi", "files": []}}})
def chat_with_files():
    def answer(message, history):
        return f"{message['text']} with {len(message['files'])}"

    return gr.ChatInterface(answer, multimodal=True, api_name="chat", editable=True,
                            textbox=gr.MultimodalTextbox(file_count="multiple", placeholder="Type"))


@chat_with_files.act
def _(visitor):
    visitor.upload(media("note.txt"))
    visitor.says("Look")
    visitor.sees("Look with 1")


@page()
def chat_with_inputs_and_outputs():
    def answer(message, history, times, loud):
        return (message.upper() if loud else message) * int(times), {"times": times}

    shown = gr.JSON(render=False, label="Extra")
    with gr.Blocks() as demo:
        gr.ChatInterface(
            answer,
            additional_inputs=[gr.Slider(1, 3, 2, step=1, label="Times"), gr.Checkbox(True, label="Loud")],
            additional_inputs_accordion=gr.Accordion("Settings", open=True),
            additional_outputs=[shown],
            api_name="chat",
        )
        shown.render()
    return demo


@chat_with_inputs_and_outputs.act
def _(visitor):
    visitor.says("ha")
    visitor.sees("HAHA", '"times"')


@page()
def chat_with_history():
    return gr.ChatInterface(lambda message, history: f"Echo {message}", save_history=True, api_name="chat",
                            chatbot=gr.Chatbot(label="Talk", placeholder="Nothing yet"))


@chat_with_history.act
def _(visitor):
    visitor.says("first")
    visitor.sees("Echo first")
    visitor.page.get_by_role("button", name="New chat").click()
    visitor.sees("Nothing yet")


@page()
def chat_that_fails():
    def answer(message, history):
        yield "So far"
        raise gr.Error("The model is away")

    return gr.ChatInterface(answer, api_name="chat")


@chat_that_fails.act
def _(visitor):
    visitor.says("Hi")
    visitor.sees("The model is away")


@page()
def chat_with_a_picture():
    return gr.ChatInterface(lambda message, history: gr.Image(asset("picture.png")), api_name="chat")


@chat_with_a_picture.act
def _(visitor):
    visitor.says("Show me")
    visitor.takes("img", 1)


@page()
def chat_with_thoughts():
    def answer(message, history):
        thought = {"role": "assistant", "content": "So and so", "metadata": {"title": "Thinking", "status": "pending"}}
        yield thought
        thought["metadata"]["status"] = "done"
        yield [thought, {"role": "assistant", "content": f"It is {message}"}]

    return gr.ChatInterface(answer, api_name="chat")


@chat_with_thoughts.act
def _(visitor):
    visitor.says("so")
    visitor.sees("It is so", "Thinking")


@page()
def workflow():
    return gr.Workflow(media("workflow.json"), bind=[str.upper, str.lower], edges=[("upper", "lower")])
