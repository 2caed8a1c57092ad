import gradio as gr

with gr.Blocks() as page:
    say = gr.Textbox(label="Say")
    louder = gr.Textbox(label="Louder")

    @say.submit(inputs=say, outputs=louder, api_name="answer")
    def answer(text):
        for end in range(1, len(text) + 1):
            yield text[:end].upper()
