"""The frozen pydantic base that every noun of the core is built on."""

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """An immutable, strictly typed record; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
