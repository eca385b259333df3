"""What calls of models have cost together."""

from dataclasses import dataclass
from decimal import Decimal

from orbiter.domain.runs.run import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Tokens, and the US dollars that are known of; *unknown* says that some price was not."""

    usage: Usage = Usage()
    known_usd: Decimal = Decimal(0)
    unknown: bool = False

    @property
    def cost_usd(self) -> Decimal | None:
        """Return what is known to have been spent; None when of all that was spent nothing is."""
        return None if self.unknown and not self.known_usd else self.known_usd

    def plus(self, usage: Usage, cost_usd: Decimal | None) -> "Spending":
        """Return the sum with one more call, whose cost may be unknown."""
        return Spending(
            usage=Usage(
                input_tokens=self.usage.input_tokens + usage.input_tokens,
                output_tokens=self.usage.output_tokens + usage.output_tokens,
            ),
            known_usd=self.known_usd + (cost_usd or 0),
            unknown=self.unknown or cost_usd is None,
        )
