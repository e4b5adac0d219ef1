// Comforts on top of pages that work without scripts.

const RETRY_AFTER = 30_000; // ms; longer than the shop takes for an answer

const onceIn = (form) => form.querySelectorAll("[data-once]");
const free = (buttons) => buttons.forEach((button) => button.removeAttribute("aria-disabled"));

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
