// Comforts on top of pages that work without scripts.

const RETRY_AFTER = 30_000; // ms; longer than the shop takes for an answer

const onceIn = (form) => form.querySelectorAll("[data-once]");
const free = (buttons) => buttons.forEach((button) => button.removeAttribute("aria-disabled"));

// Of a date that is half entered a browser would send nothing: it is told before, and nothing is sent.
document.addEventListener(
  "submit",
  (event) => {
    const half = [...event.target.elements].find((field) => field.validity?.badInput && field.getClientRects().length);
    if (!half) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    half.setCustomValidity(half.dataset.incomplete ?? "");
    half.addEventListener("input", () => half.setCustomValidity(""), { once: true });
    half.reportValidity();
  },
  true,
);

// A longer text that is nowhere kept is not lost by a link, the other language or a closed tab: the browser asks.
const unsent = new Set();
document.addEventListener("input", ({ target }) => {
  if (target.form?.matches("main form:not([data-kept])") && target.form.querySelector("textarea")) unsent.add(target.form);
});
addEventListener("submit", (event) => event.defaultPrevented || unsent.delete(event.target));
addEventListener("beforeunload", (event) => {
  if (unsent.size) event.preventDefault();
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const buttons = onceIn(event.target);
  if ([...buttons].some((button) => button.getAttribute("aria-disabled") === "true")) {
    event.preventDefault();
    return;
  }
  buttons.forEach((button) => button.setAttribute("aria-disabled", "true"));
  setTimeout(() => free(buttons), RETRY_AFTER);
});
// Whoever comes back with the browser's back button may send again.
addEventListener("pageshow", () => free(onceIn(document)));

// The chosen language is kept for the bare address of the shop.
for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `django_language=${link.hreflang}; path=/; max-age=31536000; samesite=lax${secure}`;
  });
}
