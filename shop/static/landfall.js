// Comfort only: every page works without it.
(() => {
  "use strict";

  // Plus and minus beside a quantity; a form that asks for it is sent at once.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (!button) return;
    const input = button.parentElement.querySelector("input");
    const least = Number(input.min || 1);
    const next = Math.max(least, Number(input.value || 0) + Number(button.dataset.step));
    if (String(next) === input.value) return;
    input.value = String(next);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-send-on-change]");
    if (form) form.requestSubmit();
  });

  // A form is sent once, however often the button is pressed; going back makes it usable again.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-once]");
    if (!form) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-busy", "true"));
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-once]").forEach((form) => { delete form.dataset.sent; });
  });

  // A part of the page that follows the parcel: asked every two seconds, replaced when it has changed.
  document.querySelectorAll("[data-follow]").forEach((part) => {
    let mark = part.dataset.mark;
    const ask = async () => {
      let wait = 2000;
      try {
        const answer = await fetch(part.dataset.follow, { headers: { Accept: "application/json" } });
        if (answer.ok) {
          const news = await answer.json();
          if (news.mark !== mark) { mark = news.mark; part.innerHTML = news.html; }
          if (news.final) return;
        } else if (answer.status === 401 || answer.status === 404) {
          return;
        } else {
          wait = 10000;
        }
      } catch {
        wait = 10000;
      }
      setTimeout(ask, document.hidden ? 15000 : wait);
    };
    if (part.dataset.final !== "true") setTimeout(ask, 2000);
  });
})();
