"use strict";
// Charts are static drawings. "Explore" loads the chart library once and makes the chart interactive.
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
          script.onerror = () => reject(new Error(`${source} cannot be loaded`));
          document.head.append(script);
        }),
      );
    return loaded.get(source);
  };

  // The file of each chart calls this with the chart's id and specification.
  const specs = {};
  window.archarenaChart = (name, spec) => (specs[name] = spec);

  // The content policy allows styles that scripts set, but no style attributes, which Vega sets.
  const { setAttribute } = Element.prototype;
  const withoutStyleAttributes = () => {
    Element.prototype.setAttribute = function (name, value) {
      if (name === "style") this.style.cssText = value;
      else setAttribute.call(this, name, value);
    };
  };

  const explore = async (figure) => {
    const root = document.querySelector("link[rel=stylesheet]").getAttribute("href").replace("assets/board.css", "");
    withoutStyleAttributes();
    await Promise.all([load(`${root}assets/vega.js`), load(figure.dataset.spec)]);
    const drawing = figure.querySelector(".drawing");
    const tooltip = { disableDefaultStyle: true };
    const options = { renderer: "svg", actions: false, ast: true, defaultStyle: false, tooltip };
    await vegaEmbed(drawing, specs[figure.id], options);
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
        button.textContent = `The chart cannot be loaded: ${error.message}`;
      }
    });
  }
}
