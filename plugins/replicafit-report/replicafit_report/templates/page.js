"use strict";
(() => {
  const notes = JSON.parse(document.getElementById("replica-notes").textContent);
  const make = (tag, parent, text = "") => {
    const made = document.createElement(tag);
    made.textContent = text;
    parent.append(made);
    return made;
  };

  // Replicas: what is pointed at is told, and found everywhere else.
  const note = make("div", document.body);
  note.id = "note";
  note.hidden = true;
  note.setAttribute("role", "status");
  let hot = null;
  const show = (number, x, y) => {
    if (number !== hot) {
      document.querySelectorAll(".hot").forEach((e) => e.classList.remove("hot"));
      document.querySelectorAll(`[data-r="${number}"]`).forEach((e) => e.classList.add("hot"));
      hot = number;
    }
    note.hidden = !(number in notes);
    note.textContent = notes[number] || "";
    note.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - note.offsetWidth - 8))}px`;
    note.style.top = `${y + 18 + note.offsetHeight > innerHeight ? y - note.offsetHeight - 8 : y + 18}px`;
  };
  const near = [[0, 0], [0, 3], [0, -3], [3, 0], [-3, 0], [0, 6], [0, -6], [6, 0], [-6, 0]];
  const replicaAt = (x, y) => {
    for (const [dx, dy] of near) {
      const found = document.elementFromPoint(x + dx, y + dy)?.closest("[data-r]");
      if (found) return found.dataset.r;
    }
    return null;
  };
  document.addEventListener("pointermove", (e) => {
    const over = e.target.closest?.("figure svg, dialog svg, tr[data-r]");
    const number = over ? replicaAt(e.clientX, e.clientY) : null;
    if (number !== null || hot !== null) show(number, e.clientX, e.clientY);
  });

  // Tables: sorted by a heading, filtered by words.
  const value = (row, column) => {
    const text = row.cells[column]?.textContent.trim() ?? "";
    const number = parseFloat(text.replaceAll(",", "").replace("−", "-"));
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compared = (a, b) =>
    typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  document.querySelectorAll("table.explore").forEach((table) => {
    const body = table.tBodies[0], given = [...body.rows];
    table.querySelectorAll("thead th").forEach((head) => {
      const words = head.textContent, column = head.cellIndex;
      head.textContent = "";
      const button = make("button", head, words);
      button.type = "button";
      button.title = "Sort";
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.ariaSort ?? ""];
        const order = next === undefined ? "ascending" : next;
        table.querySelectorAll("thead th").forEach((each) => each.removeAttribute("aria-sort"));
        if (order) head.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        const rank = (row) => (row.classList.contains("strong") ? 1 : 0);
        const rows = [...given];
        if (order)
          rows.sort((a, b) => rank(a) - rank(b) || sign * compared(value(a, column), value(b, column)));
        table.classList.toggle("sorted", Boolean(order));
        body.append(...rows);
      });
    });
    if (given.length < 8) return;
    const label = make("label", document.createDocumentFragment(), "Filter");
    label.className = "filter";
    const input = make("input", label);
    input.type = "search";
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      given.forEach((row) => {
        row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
      });
    });
    table.closest(".scroll").before(label);
  });

  // Figures: as large as the screen.
  const dialog = make("dialog", document.body);
  dialog.addEventListener("click", (e) => {
    if (e.target === dialog || e.target.tagName === "BUTTON") dialog.close();
  });
  document.querySelectorAll("figure svg").forEach((svg) => {
    svg.classList.add("zooms");
    svg.setAttribute("tabindex", "0");
    const open = () => {
      dialog.replaceChildren(svg.cloneNode(true));
      dialog.firstChild.removeAttribute("tabindex");
      dialog.setAttribute("aria-label", svg.getAttribute("aria-label"));
      make("button", dialog, "Close").type = "button";
      dialog.showModal();
    };
    svg.addEventListener("click", open);
    svg.addEventListener("keydown", (e) => e.key === "Enter" && open());
  });
})();
