"use strict";
// Charts stand in the page as drawings. "Explore" loads the one shared chart library, once, and makes the chart live.
{
  const loaded = new Map();
  const load = (source) => {
    if (!loaded.has(source))
      loaded.set(
        source,
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = source;
          script.onload = resolve;
          script.onerror = () => reject(new Error(`${source} cannot be read`));
          document.head.append(script);
        }),
      );
    return loaded.get(source);
  };

  // Each chart's file calls this with its name and what it draws.
  const specs = {};
  window.archarenaChart = (name, spec) => (specs[name] = spec);

  const explore = async (figure) => {
    const root = document.querySelector("link[rel=stylesheet]").getAttribute("href").replace("assets/board.css", "");
    await Promise.all([load(`${root}assets/vega.js`), load(figure.dataset.spec)]);
    const drawing = figure.querySelector(".drawing");
    await vegaEmbed(drawing, specs[figure.id], { renderer: "svg", actions: false, ast: true, defaultStyle: false });
    drawing.removeAttribute("role");
    figure.classList.add("live");
  };

  for (const figure of document.querySelectorAll("figure.chart")) {
    const button = figure.querySelector(".explore");
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await explore(figure);
        button.remove();
      } catch (error) {
        button.textContent = `Cannot explore: ${error.message}`;
      }
    });
  }
}
