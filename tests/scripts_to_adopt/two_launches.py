import gradio as gr

old = gr.Interface(lambda text: text, "text", "text", api_name="old")
old.launch(prevent_thread_lock=True)
new = gr.Interface(lambda text: text.upper(), gr.Textbox(label="Say"), gr.Textbox(label="Louder"), api_name="answer")
new.launch()
