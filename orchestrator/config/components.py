"""What this installation is for, and the parts of it that have a database login of their own."""

from enum import StrEnum


class Environment(StrEnum):
    """What this installation is for; only `production` may move real money."""

    DEVELOPMENT = "development"
    DEMO = "demo"
    PRODUCTION = "production"


class Component(StrEnum):
    """A part of the product with a database login of its own.

    The value is the login's name on the embedded server.
    """

    OWNER = "settle_admin"
    DBT = "dbt"
    ORCHESTRATOR = "orchestrator"
    WEBHOOK = "webhook"
    PORTAL = "portal"


URL_VARIABLES = {
    Component.OWNER: "SETTLE_DATABASE_URL",
    Component.DBT: "SETTLE_DBT_URL",
    Component.ORCHESTRATOR: "SETTLE_ORCHESTRATOR_URL",
    Component.WEBHOOK: "SETTLE_WEBHOOK_URL",
    Component.PORTAL: "SETTLE_PORTAL_URL",
}
URL_DESCRIPTIONS = {
    Component.OWNER: "An external server: a login with `createrole` that owns the database; for"
    " migrations and the clock only.",
    Component.DBT: "There, the login of dbt, in the group `settle_dbt`.",
    Component.ORCHESTRATOR: "There, the login of Dagster and the command line, in the group"
    " `settle_orchestrator`.",
    Component.WEBHOOK: "There, the login of the webhook receiver, in the group `settle_webhook`.",
    Component.PORTAL: "There, the login of the sellers' pages, in the group `settle_portal`.",
}
# Not a component: it keeps the history of runs, in a database where no money is.
DAGSTER_URL_VARIABLE = "SETTLE_DAGSTER_URL"
