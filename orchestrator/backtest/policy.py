"""What risk can decide: the vars, reserve policies and limits that a backtest may vary."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
MOST = Decimal(10_000_000_000)


def _exact(value: Any) -> Any:
    """A whole number is a decimal too; a truth value and text are not."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return Decimal(value) if is_whole else value


Number = Annotated[Decimal, BeforeValidator(_exact), Field(strict=True)]
Share = Annotated[Number, Field(ge=0, le=1)]
Ratio = Annotated[Number, Field(gt=0, le=1000)]
Cap = Annotated[Number, Field(gt=0, le=1)]
Money = Annotated[Number, Field(ge=0, lt=MOST, decimal_places=2)]
Days = Annotated[int, Field(strict=True, ge=0, le=365)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.,+-]{0,99}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Variables(_Part):
    """Vars of dbt_project.yml, by their names there."""

    late_disputes: Literal["absorb", "until_window_close", "recover"] = Field(
        description="Disputes charged to the seller: absorb, until_window_close or recover."
    )
    wallet_change_hours: Annotated[int, Field(strict=True, ge=0, le=8760)] = Field(
        description="A wallet that changed within these hours before the close is held."
    )
    unusual_line_ratio: Ratio = Field(
        description="A line above this many times the seller's median of 8 windows, and above ..."
    )
    unusual_line_amount: Money = Field(description="... this amount, waits for a person.")
    health_dispute_weight: Share = Field(description="Weight of the dispute rate in the score.")
    health_dispute_cap: Cap = Field(description="The dispute rate that loses all of it.")
    health_refund_weight: Share = Field(description="Weight of the refund rate in the score.")
    health_refund_cap: Cap = Field(description="The refund rate that loses all of it.")
    health_spike_weight: Share = Field(description="Weight of the spike ratio in the score.")
    health_spike_cap: Ratio = Field(description="A spike ratio of 1 + this loses all of it.")
    review_dispute_rate: Share = Field(description="Review: a dispute rate from this on, and ...")
    review_dispute_amount: Money = Field(description="... disputes from this amount on.")
    review_spike_ratio: Ratio = Field(description="Review: a spike ratio from this on, and ...")
    review_spike_gross: Money = Field(description="... a gross of the last 7 days from this on.")
    review_new_volume_gross: Money = Field(
        description="Review: without history, a gross of the last 7 days from this on."
    )
    review_score: Annotated[Number, Field(ge=0, le=100)] = Field(
        description="Review: a score below this, and ..."
    )
    review_score_gross: Money = Field(description="... a gross of 30 days from this on.")

    @model_validator(mode="after")
    def _weights_are_whole(self) -> Self:
        total = self.health_dispute_weight + self.health_refund_weight + self.health_spike_weight
        if total != 1:
            raise ValueError(f"the three health weights add up to {total}; they must add up to 1")
        return self


class ReservePolicy(_Part):
    """A version of a reserve policy: a row of the seed."""

    policy: Name = Field(description="the name that sellers are assigned by; standard for others")
    valid_from: AwareDatetime = Field(
        default=ALWAYS, description="orders placed from then on; left out: all orders"
    )
    reserve_days: Days = Field(description="days of 24 hours between the order and its release")
    holdback_percent: Annotated[Number, Field(ge=0, le=100)] = Field(
        default=Decimal(0), description="share of the gross that stays longer, 0 to 100"
    )
    holdback_days: Days = Field(default=0, description="days between the release and its end")

    @field_validator("valid_from")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value.astimezone(UTC)


class NewSellers(_Part):
    """A version of what holds for a seller's first days: a row of the seed."""

    valid_from: AwareDatetime = Field(
        default=ALWAYS, description="orders placed from then on; left out: all orders"
    )
    policy: Name = Field(description="the reserve policy of sellers about whom nobody decided")
    days: Days = Field(description="for how many days since created_at; 0 for none")

    @field_validator("valid_from")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value.astimezone(UTC)


class Limit(_Part):
    """A limit on a line, as finance confirms them."""

    name: Literal["maximum_line", "minimum_line"]
    rail: str = ""
    amount: Money


class Policy(_Part):
    """All of it, under a name for tables and charts."""

    policy: Name
    variables: Variables
    reserve_policies: tuple[ReservePolicy, ...]
    new_seller_policies: tuple[NewSellers, ...] = ()
    limits: tuple[Limit, ...]

    @staticmethod
    def rows_of(section: str) -> type[BaseModel]:
        """What the rows of a section are."""
        kinds: dict[str, type[BaseModel]] = {"limits": Limit, "new_seller_policies": NewSellers}
        return kinds.get(section, ReservePolicy)

    @field_validator("reserve_policies")
    @classmethod
    def _never_reach_back(cls, rows: Sequence[ReservePolicy]) -> Sequence[ReservePolicy]:
        latest: dict[str, datetime] = {}
        for row in rows:
            before = latest.get(row.policy)
            if before is None and row.valid_from > ALWAYS:
                raise ValueError(
                    f"the first version of {row.policy} is valid from {row.valid_from.date()}:"
                    " orders before it would have no policy; leave its valid_from out"
                )
            if before is not None and row.valid_from <= before:
                raise ValueError(
                    f"{row.policy} from {row.valid_from.date()} comes after its version from"
                    f" {before.date()}: a version never reaches back, so give it a later"
                    " valid_from"
                )
            latest[row.policy] = row.valid_from
        if "standard" not in latest:
            raise ValueError(
                "standard is missing: it is every seller's who is assigned to no other"
            )
        return tuple(sorted(rows, key=lambda row: (row.policy, row.valid_from)))

    @model_validator(mode="after")
    def _new_sellers_have_a_policy(self) -> Self:
        names = {row.policy for row in self.reserve_policies}
        versions = [row.valid_from for row in self.new_seller_policies]
        for row in self.new_seller_policies:
            if row.policy not in names:
                raise ValueError(
                    f"new_seller_policies: {row.policy} is no reserve policy;"
                    f" they are {', '.join(sorted(names))}"
                )
        if any(later <= earlier for earlier, later in pairwise(versions)):
            raise ValueError(
                "new_seller_policies: a version never reaches back behind the one before it;"
                " give it a later valid_from"
            )
        return self

    @field_validator("limits")
    @classmethod
    def _once_each(cls, rows: Sequence[Limit]) -> Sequence[Limit]:
        names = [(row.name, row.rail) for row in rows]
        for name, rail in names:
            if (name == "minimum_line") != (rail != ""):
                raise ValueError("minimum_line names a rail, and maximum_line none")
            if names.count((name, rail)) > 1:
                raise ValueError(f"{name} {rail} stands twice".replace("  ", " "))
        if ("maximum_line", "") not in names:
            raise ValueError("maximum_line is missing")
        return tuple(sorted(rows, key=lambda row: (row.name, row.rail)))
