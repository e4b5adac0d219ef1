"""What journeys about payments share: words of the pages, and what the stack knows of an order."""

import psycopg2

from shop.tests.harness import walk
from shop.tests.harness.stacks.stack import Stack

NO_MONEY = {"en": "No money was taken", "zh-hant": "未扣款"}
GOODS = "wuyi-rougui-oolong"
SERVICE = "bazi-yearly-outlook"


def text_of(page) -> str:
    return page.locator("main").inner_text()


def confirmed(stack: Stack, email: str, language: str, number: str) -> dict[str, str]:
    return stack.wait_for_mail(email, walk.say(language, "Order confirmation %(number)s", number=number))


def exchanges(stack: Stack, number: str, kind: str) -> list[dict]:
    ours = number.replace("-", "")
    return [
        entry
        for entry in stack.log()
        if entry["kind"] == kind and any(ours in reference for reference in entry["references"])
    ]


def captures(stack: Stack, number: str) -> int:
    return sum(entry["status"] == 201 for entry in exchanges(stack, number, "capture"))


def query(stack: Stack, statement: str, *values: object) -> list[tuple]:
    connection = psycopg2.connect(stack.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def status_of(stack: Stack, number: str) -> str:
    return query(stack, "SELECT status FROM checkout_order WHERE number = %s", number)[0][0]
