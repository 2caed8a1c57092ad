import gradio as gr


def shout(text: str) -> str:
    return text.upper()


with gr.Blocks(title="Shout") as demo:
    gr.Markdown("# Shout")
    say = gr.Textbox(label="Say")
    louder = gr.Textbox(label="Louder")
    gr.Button("Go").click(shout, say, louder, api_name="answer")

if __name__ == "__main__":
    demo.queue(max_size=20).launch(theme=gr.themes.Soft(), css="h1 { color: rgb(1, 2, 3) }")
