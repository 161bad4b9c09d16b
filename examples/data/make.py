"""Makes customers.csv: 1,500 generated customers of a telephone company, of whom some leave. The same seed gives the same bytes."""

import csv
import pathlib
import random

random.seed(7)
PLANS = ["monthly", "yearly", "two years"]


def customer(number):
    plan = random.choices(PLANS, [5, 3, 2])[0]
    months = random.randint(1, 72)
    charge = round(random.gauss(70, 25), 2)
    calls = min(9, int(random.expovariate(0.7)))
    age = random.randint(18, 90)
    risk = -1.0 + 1.4 * (plan == "monthly") - 0.04 * months + 0.02 * (charge - 70) + 0.45 * calls
    leaves = random.random() < 1 / (1 + 2.718281828 ** -risk)
    return {
        "customer": number,
        "plan": plan,
        "months": months,
        # Some customers do not tell.
        "age": "" if random.random() < 0.1 else age,
        "monthly_charge": max(charge, 5.0),
        "support_calls": calls,
        "leaves": int(leaves),
    }


rows = [customer(number) for number in range(1, 1501)]
with open(pathlib.Path(__file__).with_name("customers.csv"), "w", newline="", encoding="utf-8") as file:
    writer = csv.DictWriter(file, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
