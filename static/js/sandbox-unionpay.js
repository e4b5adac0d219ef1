// The button is for browsers without scripts. The others see for a moment that the payment went through.
setTimeout(() => document.getElementById("return")?.requestSubmit(), 700);
