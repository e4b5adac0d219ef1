// Another region has another shipping fee: fetch the summary anew without losing what was typed or the focus.
const form = document.getElementById("checkout-form");
const region = form?.elements.namedItem("region");

region?.addEventListener("change", async () => {
  const data = new FormData(form);
  data.set("action", "quote");
  const response = await fetch(form.action || location.href, { method: "POST", body: data });
  if (!response.ok) return; // the server shows the difference when the form is sent
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("quote");
  if (fresh) document.getElementById("quote").replaceChildren(...fresh.childNodes);
});
