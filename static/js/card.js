// The card fields of the payment page: checked as they are typed, encrypted for UnionPay in this browser.
//
// What the page must hold:
//   <form id="pay-form" method="post"> with radios name="method" value="paypal" | "unionpay"
//   <fieldset id="card-fields" hidden data-spki="…" data-encrypt-cert-id="…"> holding, without name attributes,
//     <input id="card-number" autocomplete="cc-number" inputmode="numeric">
//     <input id="card-expiry" autocomplete="cc-exp">
//     <input id="card-cvc" autocomplete="cc-csc">
//     and for each <p id="card-number-error" class="field-error" hidden> (card-expiry-error, card-cvc-error).
//   Messages in the page's language on the fieldset: data-message-number, data-message-not-unionpay,
//     data-message-expiry, data-message-expired, data-message-cvc, data-message-luhn (only a warning),
//     data-message-failed.
//   Hidden inputs name="acc_no", "encrypted_info", "encrypt_cert_id", "last4": filled when the form is sent.
//   <div id="card-errors" class="error-summary" role="alert" tabindex="-1" hidden>
//   A submit button with data-busy="…", and <button id="own-page" type="button"> for those who would rather enter
//     the card on UnionPay's page.
// Where the bank sends a code to the buyer's telephone, also
//   on the fieldset data-send-url, data-pay-url, data-progress-url, and the messages data-message-phone, -code, -sent,
//     -wait (with # for the seconds), -again, -changed, -not-sent,
//   <input id="card-phone"> and <p id="card-phone-error" hidden>,
//   <button id="send-code" type="button" data-again="…" data-busy="…">, <span id="code-wait" aria-hidden="true">,
//   <p id="code-status" aria-live="polite">,
//   <div id="code-field" hidden> with <input id="card-code"> and <p id="card-code-error" hidden>.
//
// Without this script the fieldset stays hidden and the card is entered on UnionPay's own page. What is typed is
// never stored, logged or sent in a readable form, and the fields are empty again whenever the page is left.

const RESTORED_AFTER = 30_000; // ms; longer than the shop takes for an answer
const NO_ANSWER_AFTER = 40_000; // ms

/** Digits of any script width, without the separators that people put between them. */
export function plain(text) {
  return text.normalize("NFKC").replace(/[\s\-‐-―−.]/g, "");
}

/** "6250930000000002" -> "6250 9300 0000 0002" */
export function grouped(digits) {
  return digits.replace(/(.{4})(?=.)/g, "$1 ");
}

export function passesLuhn(digits) {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = Number(digits[digits.length - 1 - i]);
    if (i % 2) digit = digit * 2 - (digit > 4 ? 9 : 0);
    sum += digit;
  }
  return sum % 10 === 0;
}

/** Which warning the number deserves: "not-unionpay", "luhn" or none. Real UnionPay cards may fail the Luhn check. */
export function warningFor(digits) {
  if (passesLuhn(digits)) {
    if (/^(4|5[1-5]|3[47])/.test(digits)) return "not-unionpay";
    if (/^(6|81|9)/.test(digits)) return "";
  }
  return "luhn";
}

/** "12/33", "12 / 2033", "1/33", "1233", "122033" -> {month: 12, year: 2033}; null when it is no month and year. */
export function parsedExpiry(text) {
  const found = text.normalize("NFKC").trim().match(/^(\d{1,2})\s*[/\-.\s]\s*(\d{2}|\d{4})$|^(\d{2})(\d{2}|\d{4})$/);
  if (!found) return null;
  const month = Number(found[1] ?? found[3]);
  const year = Number((found[2] ?? found[4]).padStart(4, "20"));
  return month >= 1 && month <= 12 && year >= 2000 && year < 2100 ? { month, year } : null;
}

/** A card is good until the end of its month, wherever on earth that is latest. */
export function hasExpired({ month, year }, now = new Date()) {
  return now.getTime() >= Date.UTC(year, month, 1, 12);
}

/** A telephone as UnionPay wants it: 11 digits in the mainland, else with the country code; null when it is none. */
export function phoneDigits(text) {
  const typed = plain(text).replace(/[()/]/g, "");
  const abroad = typed.match(/^(?:\+|00)(\d{8,15})$/)?.[1];
  const mainland = (abroad ?? typed).match(/^(?:86)?(1[3-9]\d{9})$/);
  if (mainland && (!abroad || abroad.startsWith("86"))) return mainland[1];
  if (abroad) return abroad;
  if (/^(852[4-9]\d{7}|8536\d{7}|8869\d{8})$/.test(typed)) return typed;
  return /^[4-9]\d{7}$/.test(typed) ? `852${typed}` : null; // this shop is in Hong Kong
}

/** RSAES-PKCS1-v1_5, which UnionPay wants and WebCrypto lacks. Returns one block as base64. */
export async function encrypt(spki, text) {
  const key = await crypto.subtle.importKey(
    "spki", bytesOf(spki), { name: "RSA-OAEP", hash: "SHA-256" }, true, ["encrypt"],
  );
  const jwk = await crypto.subtle.exportKey("jwk", key);
  const modulus = bytesOf(jwk.n);
  const size = modulus.length;
  const message = new TextEncoder().encode(text);
  const padding = size - message.length - 3;
  if (padding < 8) throw new RangeError("text too long for the key");
  const block = new Uint8Array(size); // 00 02 padding 00 message
  block[1] = 2;
  for (let i = 2; i < 2 + padding; i++) {
    do crypto.getRandomValues(block.subarray(i, i + 1)); while (block[i] === 0);
  }
  block.set(message, 3 + padding);
  const number = power(numberOf(block), numberOf(bytesOf(jwk.e)), numberOf(modulus));
  const pairs = number.toString(16).padStart(2 * size, "0").match(/../g);
  return btoa(String.fromCharCode(...pairs.map((pair) => parseInt(pair, 16))));
}

function bytesOf(base64) {
  const text = atob(base64.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function numberOf(bytes) {
  return BigInt("0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

function power(base, exponent, modulus) {
  let result = 1n;
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}

class CardForm {
  constructor(form, fieldset) {
    this.form = form;
    this.fieldset = fieldset;
    this.inputs = ["number", "expiry", "cvc"].map((name) => document.getElementById(`card-${name}`));
    [this.number, this.expiry, this.cvc] = this.inputs;
    this.phone = document.getElementById("card-phone");
    if (this.phone) this.inputs.push(this.phone);
    this.summary = document.getElementById("card-errors");
    this.isPressed = false;
    this.delayed = [];
    this.number.addEventListener("input", (event) => event.isComposing || this.group());
    this.number.addEventListener("compositionend", () => this.group());
    for (const input of this.inputs) {
      input.addEventListener("input", () => this.show(input, ""));
      input.addEventListener("blur", () => this.afterPress(() => this.leave(input)));
    }
    for (const type of ["pointerdown", "pointerup", "pointercancel"]) {
      document.addEventListener(type, () => this.press(type === "pointerdown"), true);
    }
    form.addEventListener("change", () => this.toggle());
    window.addEventListener("pagehide", () => this.empty());
    this.code = this.phone ? new Code(this) : null;
    this.toggle();
  }

  get isChosen() {
    return this.form.elements.method?.value === "unionpay" && isSecureContext;
  }

  toggle() {
    this.fieldset.hidden = !this.isChosen;
    if (this.isChosen) return;
    this.inputs.forEach((input) => this.show(input, ""));
    this.summary.hidden = true;
    this.fill({});
    this.code?.forget();
  }

  /** Regroup the digits and leave the caret behind the same digit as before. */
  group() {
    const { value, selectionStart } = this.number;
    const digits = plain(value);
    if (!/^\d*$/.test(digits)) return; // shown as it is; the check will say what is wrong
    const before = plain(value.slice(0, selectionStart)).length;
    const text = grouped(digits);
    if (text === value) return;
    this.number.value = text;
    const caret = grouped(digits.slice(0, before)).length;
    // Typing a digit that completes a group: stay at the end of the group, the space comes with the next one.
    this.number.setSelectionRange(caret, caret);
  }

  /** A message that appears while the mouse is down moves the pay button away, and the click is lost. */
  afterPress(action) {
    if (this.isPressed) this.delayed.push(action);
    else action();
  }

  press(isDown) {
    this.isPressed = isDown;
    if (!isDown) setTimeout(() => this.delayed.splice(0).forEach((action) => action()));
  }

  /** The buyer goes on to the next field: tidy this one, and say at once what is wrong with it. */
  leave(input) {
    if (!input.value.trim()) return;
    const expiry = parsedExpiry(this.expiry.value);
    if (input === this.expiry && expiry) input.value = `${twoDigits(expiry.month)}/${twoDigits(expiry.year)}`;
    const problem = new Map(this.problems()).get(input);
    if (problem) this.show(input, problem);
    else if (input === this.number) this.warn();
  }

  /** Luhn and prefixes only warn: genuine UnionPay cards may fail both. */
  warn() {
    const warning = warningFor(plain(this.number.value));
    this.show(this.number, warning && this.message(warning), { isError: false });
  }

  /** What is wrong, field by field: [[input, message], …]. */
  problems() {
    const found = [];
    if (!/^\d{13,19}$/.test(plain(this.number.value))) found.push([this.number, "number"]);
    const expiry = parsedExpiry(this.expiry.value);
    if (!expiry) found.push([this.expiry, "expiry"]);
    else if (hasExpired(expiry)) found.push([this.expiry, "expired"]);
    if (!/^\d{3}$/.test(plain(this.cvc.value))) found.push([this.cvc, "cvc"]);
    if (this.phone && !phoneDigits(this.phone.value)) found.push([this.phone, "phone"]);
    return found.map(([input, name]) => [input, this.message(name)]);
  }

  /** Check the fields and tell what is wrong. True when they can be encrypted. */
  check() {
    const problems = this.problems();
    const messages = new Map(problems);
    for (const input of this.inputs) this.show(input, messages.get(input) ?? "");
    if (!messages.has(this.number)) this.warn();
    this.summarise(problems);
    return problems.length === 0;
  }

  async encrypted() {
    const { spki, encryptCertId } = this.fieldset.dataset;
    const digits = plain(this.number.value);
    const { month, year } = parsedExpiry(this.expiry.value);
    let secrets = `cvn2=${plain(this.cvc.value)}&expired=${twoDigits(year)}${twoDigits(month)}`;
    if (this.phone) secrets += `&phoneNo=${phoneDigits(this.phone.value)}`;
    const [accNo, info] = await Promise.all([encrypt(spki, digits), encrypt(spki, secrets)]);
    return { acc_no: accNo, encrypted_info: info, encrypt_cert_id: encryptCertId, last4: digits.slice(-4) };
  }

  fill(values) {
    for (const name of ["acc_no", "encrypted_info", "encrypt_cert_id", "last4"]) {
      const input = this.form.elements[name];
      if (input) input.value = values[name] ?? "";
    }
  }

  empty() {
    for (const input of this.inputs) {
      input.value = "";
      this.show(input, "");
    }
    this.fill({});
    this.code?.forget();
  }

  message(name) {
    return this.fieldset.getAttribute(`data-message-${name}`) ?? "";
  }

  show(input, message, { isError = true } = {}) {
    const place = document.getElementById(`${input.id}-error`);
    place.textContent = message;
    place.hidden = !message;
    place.className = isError ? "field-error error" : "notice notice-warning";
    if (message && isError) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    describe(input, place.id, Boolean(message));
  }

  summarise(problems) {
    const list = document.createElement("ul");
    for (const [input, message] of problems) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `#${input.id}`;
      link.textContent = message;
      link.addEventListener("click", (event) => {
        event.preventDefault();
        input.focus();
      });
      item.append(link);
      list.append(item);
    }
    this.tell(problems.length ? list : "");
  }

  tell(content) {
    this.summary.replaceChildren(content);
    this.summary.hidden = !content;
    if (content) this.summary.focus();
  }
}

/** The code on the buyer's telephone. All of it happens on this page, so a wrong code costs nothing but another try:
 * the encrypted card stays in this object's memory until it has paid, been changed, or the page is left. */
class Code {
  constructor(card) {
    this.card = card;
    this.input = document.getElementById("card-code");
    this.field = document.getElementById("code-field");
    this.button = document.getElementById("send-code");
    this.first = this.button.textContent;
    this.status = document.getElementById("code-status");
    this.wait = document.getElementById("code-wait");
    this.blocks = null; // the encrypted card for which a code was sent
    this.isBusy = false;
    this.until = 0; // when the next code may be asked for
    this.button.addEventListener("click", () => this.send());
    this.input.addEventListener("input", () => card.show(this.input, ""));
    for (const input of card.inputs) input.addEventListener("input", () => this.change());
  }

  /** Have the bank send a code for the card in the fields. */
  async send() {
    if (this.isBusy) return;
    if (this.seconds > 0) {
      this.say(this.card.message("wait").replace("#", this.seconds));
      return;
    }
    if (!this.card.check()) return;
    this.engage(true);
    const blocks = await this.card.encrypted().catch(() => null);
    const answer = blocks && (await post(this.card, "sendUrl", blocks));
    this.engage(false);
    if (!blocks) this.card.tell(this.card.message("failed"));
    else if (!answer) this.card.tell(this.card.message("not-sent"));
    else this.take(answer, blocks);
  }

  take(answer, blocks) {
    if (answer.go) {
      location.assign(answer.go);
      return;
    }
    if (answer.resend_after) this.count(answer.resend_after);
    if (answer.sent) {
      this.blocks = blocks;
      this.field.hidden = false;
      this.button.textContent = this.button.dataset.again;
      this.input.value = "";
    }
    if (answer.error) {
      this.refuse(answer);
      return;
    }
    this.say(this.card.message("sent"));
    this.input.focus();
  }

  /** Pay with the code. True when the buyer is on the way to another page. */
  async pay() {
    const code = plain(this.input.value);
    if (!/^\d{6}$/.test(code)) {
      this.refuse({ error: this.card.message("code"), field: "code" });
      return false;
    }
    const answer = await post(this.card, "payUrl", { ...this.blocks, method: "unionpay", sms_code: code });
    // No answer: the money may be taken. The page that waits for the outcome knows.
    const address = answer ? answer.go : this.card.fieldset.dataset.progressUrl;
    if (address) location.assign(address);
    else this.refuse(answer);
    return Boolean(address);
  }

  /** Say what the server said, at the field that it is about. */
  refuse({ error, field, expired }) {
    if (expired) this.forget();
    const input = field === "code" && this.field.hidden ? this.button : document.getElementById(`card-${field}`);
    if (!input) {
      this.card.tell(error);
      return;
    }
    if (field === "code") {
      this.input.value = "";
      this.say("");
    }
    if (input !== this.button) this.card.show(input, error);
    this.card.summarise([[input, error]]);
  }

  change() {
    if (!this.blocks) return;
    this.forget();
    this.say(this.card.message("changed"));
  }

  forget() {
    this.blocks = null;
    this.input.value = "";
    this.card.show(this.input, "");
    this.field.hidden = true;
    this.say("");
  }

  get seconds() {
    return Math.max(0, Math.ceil((this.until - Date.now()) / 1000));
  }

  /** Show the seconds until the next code; only the end is read out. */
  count(seconds) {
    clearInterval(this.timer);
    this.until = Date.now() + seconds * 1000;
    this.button.setAttribute("aria-disabled", "true");
    const tick = () => {
      const left = this.seconds;
      this.wait.textContent = left ? this.card.message("wait").replace("#", left) : "";
      if (left) return;
      clearInterval(this.timer);
      this.button.removeAttribute("aria-disabled");
      if (this.blocks) this.say(this.card.message("again"));
    };
    this.timer = setInterval(tick, 1000);
    tick();
  }

  engage(isBusy) {
    this.isBusy = isBusy;
    if (isBusy) {
      this.label = this.button.textContent;
      this.button.textContent = this.button.dataset.busy;
    } else this.button.textContent = this.label;
  }

  say(text) {
    this.status.textContent = text;
  }
}

/** The server's JSON; null when there was none: no connection, or a page instead. */
async function post(card, url, values) {
  const form = card.form.elements;
  const body = new URLSearchParams({ revision: form.revision.value, ...values });
  if (form.csrfmiddlewaretoken) body.set("csrfmiddlewaretoken", form.csrfmiddlewaretoken.value);
  const signal = AbortSignal.timeout?.(NO_ANSWER_AFTER);
  const headers = { Accept: "application/json" };
  try {
    return await (await fetch(card.fieldset.dataset[url], { method: "POST", body, headers, signal })).json();
  } catch {
    return null;
  }
}

function twoDigits(number) {
  return String(number % 100).padStart(2, "0");
}

function describe(input, id, isShown) {
  const ids = (input.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((other) => other && other !== id);
  if (isShown) ids.push(id);
  if (ids.length) input.setAttribute("aria-describedby", ids.join(" "));
  else input.removeAttribute("aria-describedby");
}

/** The pay button, which works once: a second click, or Enter, does nothing until the page is seen again. */
class PayButton {
  constructor(form) {
    this.buttons = [...form.elements].filter((element) => element.type === "submit");
    this.texts = this.buttons.map((button) => button.textContent);
    this.isBusy = false;
  }

  engage() {
    this.isBusy = true;
    this.buttons.forEach((button) => {
      button.setAttribute("aria-disabled", "true");
      if (button.dataset.busy) button.textContent = button.dataset.busy;
    });
    this.timer = setTimeout(() => this.release(), RESTORED_AFTER);
  }

  release() {
    clearTimeout(this.timer);
    this.isBusy = false;
    this.buttons.forEach((button, index) => {
      button.removeAttribute("aria-disabled");
      button.textContent = this.texts[index];
    });
  }
}

/** Pay on this page: with a code, or first have one sent. */
async function payHere(card, button) {
  if (!card.code.blocks) {
    await card.code.send();
    return;
  }
  if (!card.check()) return;
  button.engage();
  if (!(await card.code.pay())) button.release();
}

function start(form) {
  const fieldset = document.getElementById("card-fields");
  const card = fieldset?.dataset.spki ? new CardForm(form, fieldset) : null;
  const button = new PayButton(form);
  let isReady = false; // what the form holds now may leave this page

  document.getElementById("own-page")?.addEventListener("click", () => {
    if (button.isBusy) return;
    card?.empty();
    button.engage();
    isReady = true;
    form.requestSubmit();
  });

  form.addEventListener("submit", async (event) => {
    if (isReady) {
      isReady = false;
      return; // sent by ourselves
    }
    if (button.isBusy) {
      event.preventDefault();
      return;
    }
    if (!card?.isChosen) {
      card?.fill({});
      button.engage();
      return;
    }
    event.preventDefault();
    if (card.code) {
      await payHere(card, button);
      return;
    }
    if (!card.check()) return;
    button.engage();
    try {
      card.fill(await card.encrypted());
    } catch {
      button.release();
      card.fill({});
      card.tell(card.message("failed"));
      return;
    }
    // Not before this event is over: browsers ignore a submit within a submit, and encrypting may be that quick.
    setTimeout(() => {
      isReady = true;
      form.requestSubmit(event.submitter);
    });
  });

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) button.release();
    const arrival = performance.getEntriesByType("navigation")[0]?.type;
    if (event.persisted || arrival !== "navigate") card?.empty();
    card?.toggle();
  });
}

const form = document.getElementById("pay-form");
if (form) start(form);
