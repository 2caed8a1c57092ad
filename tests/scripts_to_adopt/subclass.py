import gradio as gr


class Shout(gr.Blocks):
    def __init__(self):
        super().__init__(title="Shout", css=".mine {}")
        with self:
            self.say = gr.Textbox(label="Say")
            self.louder = gr.Textbox(label="Louder")
            self.say.submit(self.answer, self.say, self.louder, api_name="answer")

    def answer(self, text):
        return text.upper()

    def launch(self, **options):
        return super().launch(show_error=True, **options)


Shout().launch()
