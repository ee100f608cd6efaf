// The listing form: codes suggested while typing, and the fields that a code and a category bring. Comfort only.
(() => {
  "use strict";
  const form = document.getElementById("listing-form");
  if (!form) return;
  const code = form.elements.hs;
  const list = form.querySelector(".suggestions");
  const parts = document.getElementById("parts");
  const button = form.querySelector("[data-without-script]");
  if (button) button.hidden = true;
  code.setAttribute("role", "combobox");
  code.setAttribute("aria-expanded", "false");

  const show = (open) => {
    list.hidden = !open;
    code.setAttribute("aria-expanded", String(open));
  };

  // The fields of a code and category, with what was typed in those that stay.
  let shownFor = `${code.value}|${form.elements.category.value}`;
  const renew = async () => {
    const wanted = `${code.value.trim()}|${form.elements.category.value}`;
    if (wanted === shownFor) return;
    shownFor = wanted;
    const query = new URLSearchParams({ hs: code.value.trim(), category: form.elements.category.value });
    try {
      const answer = await fetch(`${form.dataset.parts}?${query}`);
      if (!answer.ok || wanted !== shownFor) return;
      const typed = new Map([...parts.querySelectorAll("[name]")].map((box) => [box.name, box.value]));
      parts.innerHTML = await answer.text();
      parts.querySelectorAll("[name]").forEach((box) => { if (typed.has(box.name)) box.value = typed.get(box.name); });
    } catch {
      if (button) button.hidden = false;
    }
  };

  const choose = (hs) => {
    code.value = hs;
    show(false);
    renew();
    code.focus();
  };

  const entry = (line) => {
    const item = document.createElement("li");
    const choice = document.createElement("button");
    const [hs, name, note] = ["strong", "span", "small"].map((tag) => document.createElement(tag));
    choice.type = "button";
    hs.textContent = line.hs;
    hs.className = "code";
    name.textContent = line.name;
    note.textContent = line.note;
    choice.append(hs, name, note);
    choice.addEventListener("click", () => choose(line.hs));
    item.append(choice);
    return item;
  };

  let waiting = 0;
  let asked = "";
  const suggest = async () => {
    const words = code.value.trim();
    asked = words;
    if (words.length < 2 || /^\d{10}$/.test(words)) { show(false); return; }
    const query = new URLSearchParams({ q: words, limit: "8" });
    if (form.elements.category.value) query.set("category", form.elements.category.value);
    if (form.elements.route.value) query.set("route", form.elements.route.value);
    try {
      const answer = await fetch(`${form.dataset.suggestions}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || asked !== words) return;
      const found = await answer.json();
      list.replaceChildren(...found.items.map(entry));
      show(found.items.length > 0);
    } catch {
      show(false);
    }
  };

  code.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(suggest, 250); });
  code.addEventListener("change", () => { if (/^\d{8}(\d\d)?$/.test(code.value.trim())) renew(); });
  code.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
    if (event.key === "ArrowDown" && !list.hidden) { event.preventDefault(); list.querySelector("button").focus(); }
  });
  list.addEventListener("keydown", (event) => {
    const here = event.target.closest("li");
    const next = { ArrowDown: here?.nextElementSibling, ArrowUp: here?.previousElementSibling }[event.key];
    if (next) { event.preventDefault(); next.querySelector("button").focus(); }
    if (event.key === "Escape") { show(false); code.focus(); }
  });
  form.elements.category.addEventListener("change", renew);
})();
