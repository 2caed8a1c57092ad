import gradio as gr


def shout(text):
    return text.upper()


demo = gr.Interface(shout, gr.Textbox(label="Say"), gr.Textbox(label="Louder"), api_name="answer")
demo.launch(share=True, server_name="0.0.0.0")
