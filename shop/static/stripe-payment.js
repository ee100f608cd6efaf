// Loaded only where payments go to Stripe itself: its own payment form, which card data never leaves.
(() => {
  "use strict";
  const place = document.getElementById("stripe");
  const stripe = window.Stripe(place.dataset.key, { locale: place.dataset.locale });
  const elements = stripe.elements({ clientSecret: place.dataset.secret });
  elements.create("payment").mount("#stripe-element");
  const fault = document.getElementById("stripe-fault");
  document.getElementById("stripe-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    const answer = await stripe.confirmPayment({ elements, confirmParams: { return_url: place.dataset.return } });
    fault.textContent = answer.error.message;
    fault.hidden = false;
    button.disabled = false;
  });
})();
