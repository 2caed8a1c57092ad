import gradio as gr

state = {"count": 0}


def answer(message, history):
    state["count"] += 1
    yield message.upper()


demo = gr.ChatInterface(answer, title="Shout", api_name="answer", examples=["hello"], cache_examples=False)

if __name__ == "__main__":
    demo.queue(default_concurrency_limit=5).launch(inbrowser=True, footer_links=["settings"])
