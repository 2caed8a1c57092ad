"""Tools that the model may call: plain typed functions. Add yours to `TOOLS`; `APP_MODEL_TOOLS=true` offers them.

Name, docstring and types of a function are what the model is told about it. What a tool is given comes from a language
model, and so in the end from whoever talks to it: a tool may do what every visitor may do, and no more.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from services.protocol import ToolCall

log = logging.getLogger("app.model")


def current_time(time_zone: str = "UTC") -> str:
    """Tell the date and the time in a time zone, such as Europe/Berlin."""
    return datetime.now(ZoneInfo(time_zone)).strftime("%A, %d %B %Y, %H:%M")


TOOLS: tuple[Callable[..., Any], ...] = (current_time,)


@dataclass(frozen=True)
class Toolbox:
    """Runs tools for a model, within bounds."""

    tools: Sequence[Callable[..., Any]] = TOOLS
    rounds: int = 5
    """How often the model may ask for tools before it has to answer."""
    seconds: float = 30
    """How long one tool may take."""
    longest: int = 20_000
    """Characters of a result that the model gets to see."""

    @property
    def specs(self) -> list[dict[str, Any]]:
        """Describe the tools as OpenAI's protocol wants it: https://platform.openai.com/docs/guides/function-calling."""
        return [{"type": "function", "function": describe(tool)} for tool in self.tools]

    def asked(self, calls: Sequence[ToolCall]) -> dict[str, Any]:
        """Make the message in which the model asks for tools."""
        functions = [(call.id, {"name": call.name, "arguments": call.arguments}) for call in calls]
        parts = [{"id": number, "type": "function", "function": function} for number, function in functions]
        return {"role": "assistant", "content": None, "tool_calls": parts}

    async def run(self, call: ToolCall) -> ToolCall:
        """Run a tool. What goes wrong becomes its result, so that the model can mend its question."""
        known = {tool.__name__: tool for tool in self.tools}
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(cast("Any", known[call.name]))
            async with asyncio.timeout(self.seconds):
                # In a thread: a tool that blocks must not stop everybody.
                result = await asyncio.to_thread(adapter.validate_json, call.arguments)
                if asyncio.iscoroutine(result):
                    result = await result
            text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
        except KeyError:
            text = f"Error: there is no tool {call.name}. There are: {', '.join(known)}"
        except ValidationError as error:
            text = f"Error: wrong arguments. {error.errors(include_url=False, include_input=False)}"
        except TimeoutError:
            text = f"Error: the tool took more than {self.seconds:.0f} seconds."
        except Exception as error:
            log.exception("the tool %s failed", call.name)
            text = f"Error: {type(error).__name__}"
        return replace(call, result=text[: self.longest] or "(nothing)")


def describe(tool: Callable[..., Any]) -> dict[str, Any]:
    """Describe one tool by its name, its docstring and the JSON schema of its arguments."""
    return {
        "name": tool.__name__,
        "description": (tool.__doc__ or "").strip(),
        "parameters": TypeAdapter(cast("Any", tool)).json_schema(),
    }
