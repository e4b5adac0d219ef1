// Another region or way of delivery has other fields and another fee: have the server draw them anew, without
// losing what was typed or the focus. Any other change in that part renews the label and the amounts only.
const form = document.getElementById("checkout-form");
let latest = 0;
let shapes = false; // whether an answer that is still awaited has other fields

// Between the two ends of a press nothing is drawn anew: a button that goes or moves meanwhile is not pressed.
// The press that leaves a field begins the request, whose answer comes before it ends.
let released = Promise.resolve();
addEventListener("pointerdown", () => {
  released = new Promise((resolve) => {
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(resolve), { once: true });
  });
});

form?.addEventListener("change", async (event) => {
  if (!event.target.closest("#delivery")) return;
  shapes ||= event.target.matches("select, [type=radio]");
  const turn = ++latest;
  const sent = new FormData(form);
  for (const [name, value] of [...sent]) if (value instanceof File) sent.delete(name);
  sent.set("action", "quote");
  const response = await fetch(location.pathname, { method: "POST", body: sent });
  if (!response.ok || turn !== latest) return; // the server shows the difference when the form is sent
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  await released;
  if (turn !== latest) return;
  if (shapes) redraw(page, sent);
  else replace(page, "label-preview");
  shapes = false;
  replace(page, "quote");
});

// What is typed is kept, whichever way the page is left: the cart, the other tab, a telephone call.
let isKept = true;
form?.addEventListener("input", () => (isKept = false));
addEventListener("submit", (event) => (isKept ||= !event.defaultPrevented));
addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep());

function keep() {
  if (isKept) return;
  const sent = new FormData(form);
  for (const [name, value] of [...sent]) if (value instanceof File) sent.delete(name);
  sent.set("action", "keep");
  isKept = navigator.sendBeacon(location.pathname, sent);
}

function replace(page, id) {
  const fresh = page.getElementById(id);
  for (const button of fresh?.querySelectorAll("noscript") ?? []) button.remove(); // would become real here
  if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
}

// What was typed while the answer was on its way counts more than what the answer holds.
function redraw(page, sent) {
  const focused = document.activeElement?.id;
  const typed = [...form.querySelectorAll("#delivery :is(input:not([type=hidden], [type=radio]), select, textarea)")].filter(
    (field) => (field.type === "checkbox" ? field.checked !== sent.has(field.name) : field.value !== sent.get(field.name)),
  );
  replace(page, "delivery");
  for (const old of typed) {
    const field = document.getElementById(old.id);
    if (!field || field.tagName !== old.tagName) continue;
    if (field.type === "checkbox") field.checked = old.checked;
    else if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === old.value)) field.value = old.value;
  }
  if (focused) document.getElementById(focused)?.focus();
}
