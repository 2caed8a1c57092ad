"""Yours: the logic, plain Python that never imports Gradio. A test holds it to that."""
