"use strict";
// The state of the controls, and its short form in the URL, which contains only what differs from the initial state.
const board = {};
{
  const LISTS = ["suite", "column", "family", "tier", "recipe", "device", "status"];

  // `hidden` holds the hidden options per list; `sort` is a column, with the prefix "-" if reversed; `find` is a part
  // of a model's name.
  board.initialState = () => ({
    hidden: Object.fromEntries(LISTS.map((list) => [list, new Set()])),
    with: "",
    sort: "",
    find: "",
    published: false,
  });

  const join = (names) => names.map(encodeURIComponent).join(",");

  // A list is written as its visible options, or as "!" and its hidden options, whichever is shorter.
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
    if (state.find) parts.push(`find=${encodeURIComponent(state.find)}`);
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

  // Names in the URL that the page does not have are ignored.
  board.readHash = (hash, options) => {
    const state = board.initialState();
    for (const part of hash.replace(/^#/, "").split("&")) {
      const [name, text = ""] = part.split(/=(.*)/s);
      try {
        if (LISTS.includes(name) && text) state.hidden[name] = readList(text, options[name]);
        else if (["sort", "with", "find"].includes(name)) state[name] = decodeURIComponent(text);
        else if (name === "published") state.published = true;
      } catch {
        // Ignore a broken escape and keep the rest of the URL.
      }
    }
    if (!options.variant.includes(state.with)) state.with = "";
    return state;
  };
}
