"""What OpenAI-compatible servers have been seen to send, in good moods and in bad ones."""

import json
from dataclasses import dataclass, field
from typing import Any

DONE = "data: [DONE]\n\n"
SILENCE = "silence"
BREAK_OFF = "break off"
FINE = "All is well."


def chunk(delta: object = None, reason: str | None = None, **more: Any) -> str:  # noqa: ANN401
    """Make an event with a piece of the answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'id': '1', 'object': 'chat.completion.chunk', 'choices': [choice], **more})}\n\n"


def event(content: object) -> str:
    return f"data: {json.dumps(content)}\n\n"


def text(content: object) -> str:
    return chunk({"content": content})


END = chunk({}, "stop") + DONE


@dataclass(frozen=True)
class Mood:
    """One answer of a server."""

    body: str | bytes = ""
    status: int = 200
    kind: str = "text/event-stream"
    answer: str = ""
    """What the visitor reads of the model; everything else is no success."""
    said: str = ""
    """What the visitor is told where it is none."""
    logged: str = ""
    """What the operator reads."""
    headers: dict[str, str] = field(default_factory=dict)
    then: str = ""
    """`SILENCE` or `BREAK_OFF` after the body."""
    by_packet: int = 0
    """Bytes of a packet; 0 sends the body in one."""
    asked: int = 1
    """How often the server is asked, by a client that would try twice more."""


def refusal(status: int, body: object, said: str, logged: str = "", **more: Any) -> Mood:  # noqa: ANN401
    """Make an error with a JSON body."""
    return Mood(json.dumps(body), status, "application/json", said=said, logged=logged or str(status), **more)


LONG = "more text than the model can read"
SET_UP = "not set up rightly"
PICTURE = "does not take the picture"
BUSY = "too much to do"
NOW = {"retry-after": "0"}
VLLM = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
CALL = [{"index": 0, "id": "c", "type": "function", "function": {"name": "find", "arguments": ""}}]
MORE_OF_IT = [{"index": 0, "function": {"arguments": '{"what": 1}'}}]
WHOLE = {"object": "chat.completion", "choices": [{"message": {"content": FINE}, "finish_reason": "stop"}]}
ACCENTS = "Grüße aus 東京 \u2028 🎈"
RAW = json.dumps({"choices": [{"delta": {"content": ACCENTS}}]}, ensure_ascii=False)

GOOD = {
    "plain": Mood(text("All is ") + text("well.") + END, answer=FINE),
    "no reason": Mood(text(FINE) + DONE, answer=FINE),
    "no done": Mood(text(FINE) + chunk({}, "stop"), answer=FINE),
    "delta null": Mood(text(FINE) + chunk(None, "stop") + DONE, answer=FINE),
    "no delta": Mood(text(FINE) + event({"choices": [{"finish_reason": "stop"}]}) + DONE, answer=FINE),
    "choices null": Mood(event({"choices": None}) + text(FINE) + END, answer=FINE),
    "usage alone": Mood(
        text(FINE) + chunk({}, "stop") + event({"choices": [], "usage": {"completion_tokens": 3}}) + DONE, answer=FINE
    ),
    "filters first": Mood(event({"choices": [], "prompt_filter_results": []}) + text(FINE) + END, answer=FINE),
    "parts": Mood(text([{"type": "text", "text": "All is "}, {"type": "text", "text": "well."}]) + END, answer=FINE),
    "whole": Mood(json.dumps(WHOLE), kind="application/json", answer=FINE),
    "comments and pings": Mood(f": PROCESSING\n\nevent: ping\n\n{text(FINE)}event: ping\ndata:\n\n{END}", answer=FINE),
    "no space, CRLF": Mood((text(FINE) + END).replace("data: ", "data:").replace("\n", "\r\n"), answer=FINE),
    "cut characters": Mood(f"data: {RAW}\n\n{END}", answer="Grüße aus 東京", by_packet=1),
    "reasoning_content": Mood(chunk({"reasoning_content": "Hm.", "content": None}) + text(FINE) + END, answer=FINE),
    "reasoning": Mood(chunk({"reasoning": "Hm."}) + text(FINE) + END, answer=FINE),
    "think in text": Mood("".join(map(text, "<think>Hm.</think>\n\n" + FINE)) + END, answer=FINE),
    "thinking in parts": Mood(
        text([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]) + text(FINE) + END, answer=FINE
    ),
    "refusal": Mood(chunk({"refusal": FINE}) + END, answer=FINE),
    "sources": Mood(
        text(FINE) + chunk({"annotations": [{"url_citation": {"url": "https://a.example", "title": "A"}}]}) + END,
        answer=FINE,
    ),
    "at its limit": Mood(text(FINE) + chunk({}, "length") + DONE, answer=FINE),
    "tools alone": Mood(
        chunk({"tool_calls": CALL}) + chunk({"tool_calls": MORE_OF_IT}, "tool_calls") + DONE, answer=""
    ),
}
BAD = {
    "too long, older vLLM": refusal(400, {"object": "error", "message": VLLM, "code": 400}, LONG),
    "too long, vLLM": refusal(400, {"error": {"message": VLLM, "type": "BadRequestError", "code": 400}}, LONG),
    "too long, llama.cpp": refusal(
        400,
        {"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it"}},
        LONG,
    ),
    "too long, LiteLLM": refusal(
        400, {"error": {"message": "litellm.ContextWindowExceededError: ...", "type": None, "code": "400"}}, LONG
    ),
    "too long, OpenAI": refusal(400, {"error": {"message": "...", "code": "context_length_exceeded"}}, LONG),
    "too long, Ollama": refusal(400, {"error": {"message": "prompt is too long: 9000, maximum 4096"}}, LONG),
    "too long, Gemini": refusal(
        400, [{"error": {"code": 400, "message": "The input token count (9000) exceeds the maximum number"}}], LONG
    ),
    "too long, Anthropic": refusal(
        400, {"type": "error", "error": {"message": "input length and `max_tokens` exceed context limit: 9 > 8"}}, LONG
    ),
    "too long, TGI": refusal(
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048",
            "error_type": "validation",
        },
        LONG,
    ),
    "too long, a proxy": Mood("<html>413</html>", 413, "text/html", said=LONG, logged="413"),
    "roles": refusal(400, {"object": "error", "message": "Conversation roles must alternate", "code": 400}, SET_UP),
    "no pictures, OpenAI": refusal(
        400, {"error": {"message": "Invalid content type. image_url is only supported by certain models."}}, PICTURE
    ),
    "no pictures, vLLM": refusal(400, {"error": {"message": "x is not a multimodal model", "code": 400}}, PICTURE),
    "one picture, vLLM": refusal(
        400, {"error": {"message": "At most 1 image(s) may be provided in one prompt.", "code": 400}}, PICTURE
    ),
    "no pictures, llama.cpp": refusal(
        500, {"error": {"message": "image input is not supported - hint: you may need to provide the mmproj"}}, PICTURE
    ),
    "no pictures, Ollama": refusal(400, {"error": {"message": "this model does not support image input"}}, PICTURE),
    "no pictures, DeepSeek": refusal(
        400, {"error": {"message": "messages[0]: unknown variant `image_url`, expected `text`"}}, PICTURE
    ),
    "filter before": refusal(400, {"error": {"code": "content_filter", "message": "..."}}, "filter refuses"),
    "filter after": Mood(chunk({}, "content_filter") + DONE, said="filter held", logged="reason filter"),
    "memory": Mood(
        text("Half") + 'data: {"error": {"message": "CUDA out of memory", "code": 500}}\n\n',
        said="out of memory",
        logged="CUDA",
    ),
    "error as text": Mood(
        'data: {"error": "an error was encountered while running the model: unexpected EOF"}\n\n',
        said="model failed",
        logged="unexpected EOF",
    ),
    "200 with an error": refusal(
        200, {"error": {"message": "slow down", "code": 429}}, BUSY, "slow down", headers=NOW, asked=3
    ),
    "a page": Mood("<html>Please sign in</html>", kind="text/html", said=SET_UP, logged="Please sign in"),
    "JSON that is no answer": Mood("[1]", kind="application/json", said=SET_UP, logged="no object"),
    "no JSON": Mood("data: {oh\n\n", said=SET_UP, logged="no JSON"),
    "loading": refusal(
        503,
        {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}},
        "loading",
        headers={"retry-after": "100000"},
    ),
    "too many": refusal(429, {"error": {"message": "Rate limit"}}, BUSY, headers=NOW, asked=3),
    "overloaded": refusal(503, {"error": {"message": "overloaded"}}, BUSY, headers={"retry-after-ms": "1"}, asked=3),
    "quota": refusal(429, {"error": {"message": "quota", "code": "insufficient_quota"}}, SET_UP, headers=NOW),
    "key": refusal(401, {"error": {"message": "Incorrect API key provided: sk-SECRET"}}, SET_UP, SET_UP),
    "forbidden": refusal(403, {"error": {"message": "no access to this model"}}, SET_UP, "no access"),
    "no such model": refusal(404, {"error": {"message": "The model `x` does not exist"}}, SET_UP, "tiny, large"),
    "no such address": Mood("404 page not found", 404, "text/plain", said=SET_UP, logged="tiny, large"),
    "bad gateway": Mood("<html>502</html>", 502, "text/html", said="model failed", logged="502"),
    "time-out of a gateway": Mood("", 504, "text/html", said="took too long", logged="504"),
    "unknown field": refusal(422, {"detail": [{"msg": "extra", "input": "private"}]}, SET_UP, "extra"),
    "only thinking": Mood(chunk({"reasoning": "Hm."}) + END, said="gave no answer", logged="3 characters of thinking"),
    "thinking to the limit": Mood(
        chunk({"reasoning": "Hm."}) + chunk({}, "length") + DONE, said="until its limit", logged="reason length"
    ),
    "blank": Mood(END, said="empty answer", logged="the answer is empty"),
    "nothing": Mood("", said="broke off", logged="without an end"),
    "cut off": Mood(text("Half"), said="broke off", logged="without an end"),
    "broken off": Mood(text("Half"), then=BREAK_OFF, said="broke off", logged="broke off"),
}
SILENT = {
    "silent before the first token": Mood("", then=SILENCE, said="took too long", logged="no token within"),
    "signs of life alone": Mood(": PROCESSING\n\n", then=SILENCE, said="took too long", logged="no token within"),
    "silent between two": Mood(text("Half"), then=SILENCE, said="took too long", logged="no token within"),
}
"""For clients that do not wait long."""
