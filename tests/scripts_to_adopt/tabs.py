import gradio as gr

first = gr.Interface(lambda text: text.upper(), gr.Textbox(label="Say"), gr.Textbox(label="Louder"), api_name="answer")
second = gr.Interface(lambda text: text[::-1], "text", "text", api_name="turn")
gr.TabbedInterface([first, second], ["Shout", "Turn"]).launch()
