import asyncio

import gradio as gr


async def shout(text):
    await asyncio.sleep(0)
    return text.upper()


async def main():
    with gr.Blocks() as demo:
        say = gr.Textbox(label="Say")
        louder = gr.Textbox(label="Louder")
        say.submit(shout, say, louder, api_name="answer")
    demo.launch(prevent_thread_lock=True)
    await asyncio.sleep(0)


asyncio.run(main())
