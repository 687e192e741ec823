"""What risk can decide: the vars, reserve policies and limits that a backtest may vary."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import (
    AfterValidator,
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
Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
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
    valid_from: Instant = Field(
        default=ALWAYS, description="orders placed from then on; left out: all orders"
    )
    reserve_days: Days = Field(description="days of 24 hours between the order and its release")
    holdback_percent: Annotated[Number, Field(ge=0, le=100)] = Field(
        default=Decimal(0), description="share of the gross that stays longer, 0 to 100"
    )
    holdback_days: Days = Field(default=0, description="days between the release and its end")


class NewSellers(_Part):
    """A version of what holds for a seller's first days: a row of the seed."""

    valid_from: Instant = Field(
        default=ALWAYS, description="orders placed from then on; left out: all orders"
    )
    policy: Name = Field(description="the reserve policy of sellers about whom nobody decided")
    days: Days = Field(description="for how many days since created_at; 0 for none")


class ReviewAction(_Part):
    """A version of what a review reason does: a row of the seed. A reason without one holds."""

    review_reason: Literal["disputes", "spike", "new_volume", "score"] = Field(
        description="disputes, spike, new_volume or score, as health finds them"
    )
    valid_from: Instant = Field(
        default=ALWAYS, description="windows that end from then on; left out: all windows"
    )
    action: Literal["hold", "pay"] = Field(
        description="hold the row for a person, or pay it and put the seller's orders under ..."
    )
    policy: Name | None = Field(default=None, description="... this policy from then on, until ...")
    lift_after_weeks: Annotated[int, Field(strict=True, ge=1, le=520)] | None = Field(
        default=None, description="... so many closes in a row were without the reason"
    )

    @model_validator(mode="after")
    def _says_what_paying_means(self) -> Self:
        if self.action == "pay" and (self.policy is None or self.lift_after_weeks is None):
            raise ValueError("pay names a policy, and lift_after_weeks")
        if self.action == "hold" and (self.policy or self.lift_after_weeks):
            raise ValueError("hold has neither a policy nor lift_after_weeks")
        return self


class Limit(_Part):
    """A limit on a line, as finance confirms them."""

    name: Literal["maximum_line", "minimum_line"]
    rail: str = ""
    amount: Money


class _Version(Protocol):
    @property
    def valid_from(self) -> datetime: ...


def _in_order(name: str, versions: Sequence[_Version]) -> None:
    """Raises ValueError where a version does not begin after the one before it."""
    for earlier, later in pairwise(versions):
        if later.valid_from <= earlier.valid_from:
            raise ValueError(
                f"{name} from {later.valid_from.date()} comes after its version from"
                f" {earlier.valid_from.date()}: a version never reaches back, so give it a later"
                " valid_from"
            )


class Policy(_Part):
    """All of it, under a name for tables and charts."""

    policy: Name
    variables: Variables
    reserve_policies: tuple[ReservePolicy, ...]
    new_seller_policies: tuple[NewSellers, ...] = ()
    review_actions: tuple[ReviewAction, ...] = ()
    limits: tuple[Limit, ...]

    @property
    def pays_flagged_sellers(self) -> bool:
        """Whether a flag can put a seller under a reserve policy."""
        return any(row.action == "pay" for row in self.review_actions)

    @staticmethod
    def rows_of(section: str) -> type[BaseModel]:
        """What the rows of a section are."""
        kinds: dict[str, type[BaseModel]] = {
            "limits": Limit,
            "new_seller_policies": NewSellers,
            "review_actions": ReviewAction,
        }
        return kinds.get(section, ReservePolicy)

    @field_validator("reserve_policies")
    @classmethod
    def _never_reach_back(cls, rows: Sequence[ReservePolicy]) -> Sequence[ReservePolicy]:
        for name in dict.fromkeys(row.policy for row in rows):
            versions = [row for row in rows if row.policy == name]
            if versions[0].valid_from > ALWAYS:
                raise ValueError(
                    f"the first version of {name} is valid from {versions[0].valid_from.date()}:"
                    " orders before it would have no policy; leave its valid_from out"
                )
            _in_order(name, versions)
        if all(row.policy != "standard" for row in rows):
            raise ValueError(
                "standard is missing: it is every seller's who is assigned to no other"
            )
        return tuple(sorted(rows, key=lambda row: (row.policy, row.valid_from)))

    @field_validator("new_seller_policies")
    @classmethod
    def _new_sellers_never_reach_back(cls, rows: Sequence[NewSellers]) -> Sequence[NewSellers]:
        _in_order("the policy of new sellers", rows)
        return rows

    @field_validator("review_actions")
    @classmethod
    def _actions_never_reach_back(cls, rows: Sequence[ReviewAction]) -> Sequence[ReviewAction]:
        for reason in dict.fromkeys(row.review_reason for row in rows):
            _in_order(reason, [row for row in rows if row.review_reason == reason])
        return tuple(sorted(rows, key=lambda row: (row.review_reason, row.valid_from)))

    @model_validator(mode="after")
    def _policies_are_there(self) -> Self:
        names = {row.policy for row in self.reserve_policies}
        named = [("new_seller_policies", row.policy) for row in self.new_seller_policies]
        named += [("review_actions", row.policy) for row in self.review_actions if row.policy]
        for section, name in named:
            if name not in names:
                raise ValueError(
                    f"{section}: {name} is not a reserve policy;"
                    f" they are {', '.join(sorted(names))}"
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
