import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.routes import mount_gradio_app

app = FastAPI()


@app.get("/ping")
def ping():
    return "pong"


demo = gr.Interface(lambda text: text.upper(), gr.Textbox(label="Say"), gr.Textbox(label="Louder"), api_name="answer")
app = mount_gradio_app(app, demo, path="/gradio")

if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=8000)
