// Questions show themselves when they apply, lists grow as they are filled. Without this module all is shown.
const form = document.getElementById("checkout-form");

const answersTo = (name) =>
  [...form.querySelectorAll(`[name="${CSS.escape(name)}"]:checked`)]
    .filter((input) => !input.closest("[data-asked-if][hidden]"))
    .map((input) => input.value);

// In the order of the page: a question whose own condition does not hold answers nothing to the next ones.
function showWhatApplies() {
  for (const question of form.querySelectorAll("[data-asked-if]")) {
    const conditions = Object.entries(JSON.parse(question.dataset.askedIf));
    question.hidden = !conditions.every(([name, values]) => answersTo(name).some((one) => values.includes(one)));
  }
  for (const block of form.querySelectorAll("[data-contact]")) {
    const same = block.querySelector('[name$="-same"]');
    if (!same) continue;
    for (const field of block.querySelectorAll(".field")) {
      if (!field.contains(same)) field.hidden = same.checked;
    }
  }
  for (const leap of form.querySelectorAll('[name$="leap"]')) {
    const calendar = leap.name.replace(/leap$/, "calendar");
    const isLunar = answersTo(calendar).includes("lunar");
    leap.closest(".part").hidden = !isLunar && !leap.checked;
  }
}

// Rows beyond the first empty one wait behind a button.
function shorten(list) {
  const parts = [...list.querySelectorAll(":scope > .part")];
  const columns = Number(list.dataset.columns);
  const rows = [];
  while (parts.length) rows.push(parts.splice(0, columns));
  const isUsed = (row) => row.some((part) => part.querySelector("input").value || part.matches(".has-error"));
  let shown = Math.max(1, rows.findLastIndex(isUsed) + 1);
  const show = () => rows.forEach((row, at) => row.forEach((part) => (part.hidden = at >= shown)));
  show();
  if (shown >= rows.length) return;
  const more = document.createElement("button");
  more.type = "button";
  more.className = "button-quiet";
  more.textContent = list.dataset.more;
  more.addEventListener("click", () => {
    shown += 1;
    show();
    rows[shown - 1][0].querySelector("input").focus();
    if (shown >= rows.length) more.remove();
  });
  list.after(more);
}

if (form) {
  form.querySelectorAll(".parts-list").forEach(shorten);
  form.addEventListener("change", showWhatApplies);
  addEventListener("pageshow", showWhatApplies); // a browser that comes back has put its values in again
  showWhatApplies();
}
