import gradio as gr

demo = gr.Interface(lambda text: text.upper(), gr.Textbox(label="Say"), gr.Textbox(label="Louder"), api_name="answer")
app, local, shared = demo.launch(prevent_thread_lock=True, quiet=True)
print(f"open {local} on port {demo.server_port}")
try:
    demo.block_thread()
finally:
    demo.close()
    gr.close_all()
