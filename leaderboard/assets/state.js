"use strict";
// What the reader chose, and its short form in the address: only what differs from the plain page.
const board = {};
{
  const LISTS = ["suite", "column", "family", "tier", "recipe", "device", "status"];

  // `hidden` holds by list what is not shown; `sort` a column's name, with "-" for the other direction.
  board.initialState = () => ({
    hidden: Object.fromEntries(LISTS.map((list) => [list, new Set()])),
    with: "",
    sort: "",
    published: false,
  });

  const join = (names) => names.map(encodeURIComponent).join(",");

  // A list is written as what is shown, or after "!" as what is hidden, whichever is shorter.
  const writeList = (hidden, options) => {
    const shown = options.filter((option) => !hidden.has(option));
    const one = join(shown);
    const other = "!" + join(options.filter((option) => hidden.has(option)));
    return one && one.length < other.length ? one : other;
  };

  board.writeHash = (state, options) => {
    const parts = LISTS.filter((list) => state.hidden[list].size).map(
      (list) => `${list}=${writeList(state.hidden[list], options[list])}`,
    );
    if (state.sort) parts.push(`sort=${encodeURIComponent(state.sort)}`);
    if (state.with) parts.push(`with=${encodeURIComponent(state.with)}`);
    if (state.published) parts.push("published");
    return parts.join("&");
  };

  const readList = (text, options) => {
    const names = new Set(text.replace(/^!/, "").split(",").map(decodeURIComponent));
    const isHidden = text.startsWith("!") ? (option) => names.has(option) : (option) => !names.has(option);
    return new Set(options.filter(isHidden));
  };

  // What the address names and the page does not have is passed over.
  board.readHash = (hash, options) => {
    const state = board.initialState();
    for (const part of hash.replace(/^#/, "").split("&")) {
      const [name, text = ""] = part.split(/=(.*)/s);
      try {
        if (LISTS.includes(name) && text) state.hidden[name] = readList(text, options[name]);
        else if (name === "sort" || name === "with") state[name] = decodeURIComponent(text);
        else if (name === "published") state.published = true;
      } catch {
        // A broken escape: the rest of the address still counts.
      }
    }
    if (!options.variant.includes(state.with)) state.with = "";
    return state;
  };
}
