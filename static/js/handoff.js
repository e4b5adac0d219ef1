// The button is for browsers without scripts; the others go on by themselves.
document.getElementById("handoff-form")?.requestSubmit();
