"""`settle import` of files as people write them: encodings, decimals, dates and units."""

from decimal import Decimal

import pytest

from orchestrator.errors import SettleError
from tests.data.importer import SAMPLES, Importer


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(importer: Importer, encoding: str) -> None:
    text = SAMPLES["stripe"].read_text().replace("Mug", "Müg")
    path = importer.file("report.csv", text.encode(encoding))
    importer("stripe", path, encoding="cp1252" if encoding == "cp1252" else None)
    assert importer.facts()["orders"] == 2


def test_undeclared_encoding_is_one_line(importer: Importer) -> None:
    text = SAMPLES["stripe"].read_text().replace("Mug", "Müg")
    with pytest.raises(SettleError) as error:
        importer("stripe", importer.file("report.csv", text.encode("cp1252")))
    assert str(error.value) == "report.csv: is not utf-8; say --encoding, cp1252 for instance"


def test_decimal_commas_semicolons_and_thousands(importer: Importer) -> None:
    text = SAMPLES["adyen"].read_text().replace('"TX7001 batch 214, Bazaar"', "TX7001")
    text = text.replace(",", ";").replace(".", ",").replace(";100,00;", ";1.100,00;")
    text = text.replace(";98,40;", ";1.098,40;")
    path = importer.file("report.csv", text)
    lines = importer.refused("adyen", path)
    assert lines[0].startswith(
        "report.csv:2: Gross Credit (GC): '1.100,00' is not an amount; say --decimal-mark , if"
    )
    importer("adyen", path, decimal_mark=",")
    assert importer.rows("select gross_amount from marketplace.orders order by order_id") == [
        (Decimal(1100),),
        (Decimal(50),),
    ]


def test_naive_instants_need_a_zone_and_a_summer_one_is_kept(importer: Importer) -> None:
    text = SAMPLES["adyen"].read_text().replace(",CET,", ",,")
    path = importer.file("report.csv", text)
    assert importer.refused("adyen", path)[0] == (
        "report.csv:2: Creation Date: '2026-11-02 11:15:00' has no time zone; say --timezone,"
        " Europe/Berlin for instance"
    )
    skipped = importer.file("skipped.csv", text.replace("2026-11-02 11:15", "2026-03-29 02:30"))
    assert importer.refused("adyen", skipped, timezone="Europe/Berlin")[0] == (
        "skipped.csv:2: Creation Date: '2026-03-29 02:30:00' did not happen in Europe/Berlin, whose"
        " clock skipped it; is it another zone?"
    )
    assert importer.refused("adyen", path, timezone="Europe/Berlim")[0] == (
        "report.csv:2: Creation Date: '2026-11-02 11:15:00' has an unknown time zone,"
        " Europe/Berlim; say --timezone, Europe/Berlin for instance"
    )
    summer = importer.file("summer.csv", text.replace("2026-11-02 11:15", "2026-07-02 11:15"))
    importer("adyen", summer, timezone="Europe/Berlin")
    assert importer.rows(
        "select (ordered_at at time zone 'UTC')::text from marketplace.orders where order_id = 'o1'"
    ) == [("2026-07-02 09:15:00",)]


def test_dates_with_slashes_need_an_order(importer: Importer) -> None:
    name = "paypal-activity"
    assert importer.refused(name, date_order=None)[0] == (
        "paypal_activity.csv:2: Date and Time: '11/03/2026 02:15:00' may have the day first or the"
        " month; say --date-order dmy or mdy"
    )
    text = SAMPLES[name].read_text().replace('"11/03/', '"11/13/').replace('"02:15', '"2:15')
    path = importer.file("report.csv", text)
    assert importer.refused(name, path, date_order="dmy")[0].startswith(
        "report.csv:2: Date and Time: '11/13/2026 2:15:00' is not on the calendar"
    )
    importer(name, path)
    assert importer.rows(
        "select (ordered_at at time zone 'UTC')::text from marketplace.orders where order_id = 'o1'"
    ) == [("2026-11-13 10:15:00",)]


def test_running_balance_ties_whichever_row_is_first(importer: Importer) -> None:
    head, *rows = SAMPLES["paypal-activity"].read_text().splitlines(keepends=True)
    importer("paypal-activity", importer.file("report.csv", head + "".join(rows[::-1])))
    assert importer.facts()["orders"] == 2


def test_european_dates_of_amazon(importer: Importer) -> None:
    text = (
        SAMPLES["amazon"].read_text().replace("2026-11-03 05:23:19 UTC", "03.11.2026 05:23:19 UTC")
    )
    importer("amazon", importer.file("report.txt", text))
    assert importer.rows(
        "select distinct (ordered_at at time zone 'UTC')::text from marketplace.orders"
    ) == [("2026-11-03 05:23:19",)]


@pytest.mark.parametrize("code", ["T1503", "T1105"])
def test_paypals_holds_and_their_end_are_not_for_sellers(importer: Importer, code: str) -> None:
    text = SAMPLES["paypal"].read_text(encoding="utf-8-sig").replace("T0400", code)
    report = importer("paypal", importer.file("report.csv", text))
    reasons = {row.row_type: row.reason for row in report.row_types}
    assert reasons[f"{code} DR"] == "on hold, or no longer"


@pytest.mark.parametrize("code", ["T1114", "T1115"])
def test_a_paypal_payout_that_came_back_is_credited_and_never_debited(
    importer: Importer, code: str
) -> None:
    text = SAMPLES["paypal"].read_text(encoding="utf-8-sig").replace("T0400", code)
    [line, *_] = importer.refused("paypal", importer.file("debited.csv", text))
    assert f"'{code} DR' is a type that the format does not know" in line
    text = text.replace('"DR",3000,', '"CR",3000,').replace("15000,12000,", "18000,9000,")
    report = importer("paypal", importer.file("credited.csv", text))
    reasons = {row.row_type: row.reason for row in report.row_types}
    assert reasons[f"{code} CR"] == "a payment of the marketplace that came back"


def test_minor_units_have_the_decimals_of_their_currency(importer: Importer) -> None:
    text = SAMPLES["paypal"].read_text(encoding="utf-8-sig").replace("USD", "KWD")
    lines = importer.refused(
        "paypal", importer.file("report.csv", text.replace("15000,", "15001,"))
    )
    assert (
        "report.csv: credits in KWD: the report says 15.001, and its rows come to 15.000"
        in lines[0]
    )
