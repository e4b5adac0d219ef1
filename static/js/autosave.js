// A report that is being written saves itself as its draft, so nothing is lost with the browser.

const EVERY = 10_000; // ms; as much typing a crash may cost
const form = document.querySelector("form[data-autosave]");
let timer = 0;
let underway = null; // the save that is on its way

form?.addEventListener("input", () => {
  timer ||= setTimeout(begin, EVERY);
});
addEventListener("visibilitychange", () => {
  if (timer && document.visibilityState === "hidden") begin();
});

function begin() {
  clearTimeout(timer);
  timer = 0;
  const turn = Promise.resolve(underway).then(save);
  underway = turn;
  turn.then(() => {
    if (underway === turn) underway = null;
  });
}

async function save() {
  const sent = new FormData(form);
  for (const [name, value] of [...sent]) if (value instanceof File) sent.delete(name);
  sent.set("action", "autosave");
  let answer = {};
  try {
    // Not form.action: that is the buttons of this name.
    const response = await fetch(form.getAttribute("action"), { method: "POST", body: sent });
    if (response.headers.get("Content-Type")?.startsWith("application/json")) answer = await response.json();
  } catch {
    // offline: told below, and tried again with the next letter
  }
  const told = form.querySelector("[data-told]");
  told.textContent = answer.told ?? told.dataset.failed;
  if (answer.seen) form.elements.namedItem("seen").value = answer.seen;
}

// What is sent by a button names the version that a save underway is making.
form?.addEventListener("submit", async (event) => {
  clearTimeout(timer);
  timer = 0;
  if (!underway) return;
  event.preventDefault();
  await underway;
  form.requestSubmit(event.submitter);
});
