"""Several models, of which the visitor picks one, and what one of them can take."""

import asyncio

import pytest

from app import build_demo
from services.errors import InputError
from services.protocol import ChatModel
from tests.conftest import MakeSettings
from tests.models import Scripted
from utils.picking import context_of, picked, picker


class Two(Scripted):
    """Two models in one."""

    names = ("small", "large")

    def named(self, name: str) -> ChatModel:
        return Scripted(name)


def test_one_model_is_no_choice() -> None:
    model = Scripted()
    assert picker(model) == []
    assert picked(model, "anything") is model


def test_a_visitor_chooses() -> None:
    [choice] = picker(Two())
    assert (choice.value, [value for _, value in choice.choices]) == ("small", ["small", "large"])
    model = picked(Two(), "large")
    assert isinstance(model, Scripted)
    assert model.pieces == ("large",)


def test_a_name_that_is_not_offered_is_refused() -> None:
    with pytest.raises(InputError, match="Choose from: small, large"):
        picked(Two(), "huge")


def test_the_page_has_a_picker_where_there_is_a_choice(make_settings: MakeSettings) -> None:
    def labels(model: ChatModel) -> list[str]:
        found = build_demo(make_settings(), model).blocks.values()
        return [str(getattr(part, "label", "")) for part in found]

    assert "Model" in labels(Two())
    assert "Model" not in labels(Scripted())


class Short(Scripted):
    """Knows its length."""

    async def context_tokens(self) -> int:
        return 100


def test_the_settings_count_and_then_the_model() -> None:
    for model, told, length in ((Short(), 0, 100), (Short(), 50, 50), (Scripted(), 0, 0), (Scripted(), 50, 50)):
        assert asyncio.run(context_of(model, told)) == length
