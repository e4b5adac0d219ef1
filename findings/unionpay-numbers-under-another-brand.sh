#!/usr/bin/env bash
# Five card libraries of npm, asked about four UnionPay numbers: Maestro, Discover, none, and "not a card number".
#
# Expected: one answer for each number, UnionPay's: they begin with 62 or 81.
# Happens:  creditcards 5.0.0 calls every number with 62 Maestro. payment 2.4.7 calls those from 6221 26 to 6229 25
#           Discover, and knows none with 81. validator 13.15.35 takes another number of 19 digits, and refuses the one
#           of 19 digits that UnionPay gives for trials; none of the others does. card-validator 10.0.4 and
#           credit-card-type 10.3.0 know all four.
# Seen:     6216261000000000018 (for UnionPay's trials): unionpay, unionpay, unionpay, Maestro, false
#           6250947000000014    (for UnionPay's trials): unionpay, unionpay, unionpay, Maestro, true
#           6223164991230014    (invented):              unionpay, unionpay, discover, Maestro, true
#           8171999927660000    (invented):              unionpay, unionpay, null, null, true
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund card-validator@10.0.4 credit-card-type@10.3.0 payment@2.4.7 \
    creditcards@5.0.0 validator@13.15.35
node - <<'JS'
const assert = require("node:assert");
const cardValidator = require("card-validator");
const cardType = require("credit-card-type");
const payment = require("payment");
const creditcards = require("creditcards");
const validator = require("validator");

const answers = (number) => [
  cardValidator.number(number).card.type,
  cardType(number).map((each) => each.type).join(),
  payment.fns.cardType(number),
  creditcards.card.type(number) ?? null,
  validator.isCreditCard(number),
];
const expected = {
  "6216261000000000018": ["unionpay", "unionpay", "unionpay", "Maestro", false],
  "6250947000000014": ["unionpay", "unionpay", "unionpay", "Maestro", true],
  "6223164991230014": ["unionpay", "unionpay", "discover", "Maestro", true],
  "8171999927660000": ["unionpay", "unionpay", null, null, true],
};
for (const [number, wanted] of Object.entries(expected)) {
  console.log(number, answers(number));
  assert.deepStrictEqual(answers(number), wanted);
}
assert(validator.isCreditCard("6212345678900000003"), "another one of 19 digits");
JS
