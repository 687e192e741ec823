"""The rail's credentials: from the environment, or, off production, generated for the sandbox."""

from orchestrator.config import Environment, Settings
from orchestrator.errors import SettleError
from orchestrator.halfin import HalfinClient, key_environment
from orchestrator.network.addresses import is_local
from orchestrator.secret_files import generated_secret


def api_key(settings: Settings) -> str:
    """HALFIN_API_KEY, or the sandbox's own key where none is set off production."""
    return settings.halfin_api_key or generated_secret(settings, "HALFIN_API_KEY", "sk_test_")


def webhook_secrets(settings: Settings) -> tuple[str, ...]:
    """HALFIN_WEBHOOK_SECRET (two while rotating), or the sandbox's own secret off production."""
    return settings.halfin_webhook_secrets or (
        generated_secret(settings, "HALFIN_WEBHOOK_SECRET", ""),
    )


def halfin_client(settings: Settings) -> HalfinClient:
    """A client whose key fits the environment: a live key moves real money, in production only."""
    key = api_key(settings)
    is_production = settings.environment is Environment.PRODUCTION
    if (key_environment(key) == "live") is not is_production:
        raise SettleError(
            "HALFIN_API_KEY is a test key while SETTLE_ENV is production: set the live key"
            if is_production
            else f"HALFIN_API_KEY is a live key while SETTLE_ENV is {settings.environment.value}:"
            " set a test key, or SETTLE_ENV=production"
        )
    if is_production and (
        not settings.halfin_base_url.startswith("https://") or is_local(settings.halfin_base_url)
    ):
        raise SettleError(
            f"HALFIN_BASE_URL is {settings.halfin_base_url}: production names its rail by an https"
            " address that is not this machine"
        )
    return HalfinClient(settings.halfin_base_url, key)
