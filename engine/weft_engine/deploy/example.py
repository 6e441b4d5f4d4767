"""The configuration to begin with, commented in the reader's language."""

from importlib import resources


def example(lang: str = "en") -> str:
    """The text of the example; `en` or `zh`."""
    name = "example.zh.yaml" if lang == "zh" else "example.yaml"
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
