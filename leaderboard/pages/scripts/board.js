"use strict";
// The index page: its controls, and its state in the URL.
{
  const form = document.getElementById("controls");
  const sections = board.sections();

  const options = { variant: [...form.elements.with.options].map((option) => option.value) };
  for (const list of Object.keys(board.initialState().hidden))
    options[list] = [...form.querySelectorAll(`input[name="${list}"]`)].map((input) => input.value);

  let state = board.readHash(location.hash, options);

  const writeControls = () => {
    form.elements.with.value = state.with;
    form.elements.find.value = state.find;
    for (const list of Object.keys(state.hidden))
      for (const input of form.querySelectorAll(`input[name="${list}"]`)) input.checked = !state.hidden[list].has(input.value);
    if (form.elements.published) form.elements.published.checked = state.published;
    for (const menu of form.querySelectorAll(".menu"))
      menu.classList.toggle("active", Boolean(menu.querySelector("input:not(:checked)")));
  };

  const readControls = () => {
    state.with = form.elements.with.value;
    state.find = form.elements.find.value.trim();
    for (const list of Object.keys(state.hidden))
      state.hidden[list] = new Set(
        [...form.querySelectorAll(`input[name="${list}"]:not(:checked)`)].map((input) => input.value),
      );
    state.published = Boolean(form.elements.published?.checked);
  };

  const update = () => {
    const counts = sections.map((section) => board.filter(section, state));
    for (const section of sections) {
      board.sort(section, state.sort);
      board.compare(section, state.with);
    }
    const total = (name) => counts.reduce((sum, count) => sum + count[name], 0);
    const all = (name) => sections.reduce((sum, section) => sum + section.data[name].length, 0);
    form.querySelector(".shown").value =
      `${total("rows")} of ${all("rows")} rows, ${total("columns")} of ${all("columns")} columns`;
    const hash = board.writeHash(state, options);
    form.querySelector("[type=reset]").hidden = !hash;
    return hash;
  };

  const change = () => {
    const hash = update();
    writeControls();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  // The second line of a header, which names the metric, becomes the button that sorts by the column.
  const addSortButtons = (section) => {
    for (const head of section.table.querySelectorAll("[data-sort]")) {
      const name = board.sortName(section, head);
      const label = head.querySelector(".label");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      const text = document.createElement("span");
      text.className = "text-of";
      text.append(...label.childNodes);
      button.append(text);
      const said = document.createElement("span");
      said.className = "unseen";
      said.textContent = `Sort by ${section.data.columns[head.dataset.sort]?.name ?? button.textContent.trim()}`;
      button.prepend(said, " ");
      button.addEventListener("click", () => {
        state.sort = state.sort === name ? `-${name}` : state.sort === `-${name}` ? "" : name;
        change();
      });
      label.append(button);
    }
  };

  const addCompareButtons = (section) => {
    for (const row of section.rows) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "pick";
      button.textContent = "compare";
      button.title = `Compare all rows with ${row.variant}`;
      button.addEventListener("click", () => {
        state.with = state.with === row.variant ? "" : row.variant;
        change();
      });
      row.tr.cells[0].append(button);
    }
  };

  sections.forEach(addSortButtons);
  sections.forEach(addCompareButtons);
  board.showSeeds(sections);
  form.hidden = false;
  form.addEventListener("change", () => {
    readControls();
    change();
  });
  form.elements.find.addEventListener("input", () => {
    readControls();
    change();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    state = board.initialState();
    change();
  });
  form.addEventListener("click", (event) => {
    if (event.target.matches("button[value]")) board.download(sections, event.target.value);
  });
  // Only one menu is open at a time; Escape or a click elsewhere closes it.
  document.addEventListener("click", (event) => {
    for (const menu of form.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  form.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest(".menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  addEventListener("hashchange", () => {
    state = board.readHash(location.hash, options);
    writeControls();
    update();
  });
  writeControls();
  update();
}
